package document_test
import ("testing";"fmt";"os";"encoding/json";"math/rand/v2";"gocv.io/x/gocv";"vestibule/models/specimen";"vestibule/models")
func TestDevGen(t *testing.T){
 if os.Getenv("DEVGEN")=="" {t.Skip()}
 p,_:=printer()
 truth:=map[string]models.Quad{}
 for _,b:=range specimen.Backgrounds(){
 for i:=0;i<100;i++{
  r:=rand.New(rand.NewPCG(uint64(i),777))
  f:=specimen.Documents()[i%len(specimen.Documents())]
  s,err:=specimen.Make(f,r,nil); if err!=nil{t.Fatal(err)}
  pic,err:=p.Film(s,specimen.Random(s,b,1280,960,r)); if err!=nil{t.Fatal(err)}
  n:=fmt.Sprintf("%s%02d.jpg",b,i)
  truth[n]=pic.Corners
  gocv.IMWrite("/tmp/sets/"+n,pic.BGR)
  pic.BGR.Close()
 }}
 j,_:=json.Marshal(truth); os.WriteFile("/tmp/sets/truth.json",j,0o644)
}
