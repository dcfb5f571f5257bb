package document
import ("image";"image/color";"gocv.io/x/gocv")
func pt(v vec) image.Point{return image.Pt(int(v.x),int(v.y))}
func rgba(r,g,b uint8) color.RGBA{return color.RGBA{r,g,b,255}}
var devFinders=map[string]func(gocv.Mat)(outline,bool,error){"cheap":findOutline,"dear":searchOutline}
