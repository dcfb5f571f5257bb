#include "textflag.h"

// func dotsAVX2(query *int16, rows *int8, out *int32, n int)
TEXT ·dotsAVX2(SB), NOSPLIT, $0-32
	MOVQ query+0(FP), SI
	MOVQ rows+8(FP), DI
	MOVQ out+16(FP), DX
	MOVQ n+24(FP), CX

row:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	XORQ  AX, AX

values:
	PREFETCHT0 2048(DI)(AX*1)
	VPMOVSXBW  (DI)(AX*1), Y4
	VPMOVSXBW  16(DI)(AX*1), Y5
	VPMOVSXBW  32(DI)(AX*1), Y6
	VPMOVSXBW  48(DI)(AX*1), Y7
	VPMADDWD   (SI)(AX*2), Y4, Y4
	VPMADDWD   32(SI)(AX*2), Y5, Y5
	VPMADDWD   64(SI)(AX*2), Y6, Y6
	VPMADDWD   96(SI)(AX*2), Y7, Y7
	VPADDD     Y4, Y0, Y0
	VPADDD     Y5, Y1, Y1
	VPADDD     Y6, Y2, Y2
	VPADDD     Y7, Y3, Y3
	ADDQ       $64, AX
	CMPQ       AX, $512
	JLT        values

	VPADDD       Y1, Y0, Y0
	VPADDD       Y3, Y2, Y2
	VPADDD       Y2, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, (DX)
	ADDQ         $512, DI
	ADDQ         $4, DX
	DECQ         CX
	JNZ          row
	VZEROUPPER
	RET
