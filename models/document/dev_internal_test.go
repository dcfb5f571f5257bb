package document
import ("testing";"fmt";"os";"encoding/json";"time";"sort";"strings";"gocv.io/x/gocv";"vestibule/models")
func iou(a,b [4]vec) float64{
 poly:=a[:]
 // clip a by b (both clockwise on screen)
 for i:=range b{
  p,q:=b[i],b[(i+1)%4]; e:=q.sub(p)
  side:=func(v vec) float64{d:=v.sub(p);return e.x*d.y-e.y*d.x}
  var out []vec
  for j:=range poly{ u,v:=poly[j],poly[(j+1)%len(poly)]; su,sv:=side(u),side(v)
   if su>=0{out=append(out,u)}
   if su>=0!=(sv>=0){out=append(out,u.add(v.sub(u).times(su/(su-sv))))}}
  poly=out
  if len(poly)==0{return 0}
 }
 ar:=func(p []vec)float64{s:=0.0;for i:=range p{q:=p[(i+1)%len(p)];s+=p[i].x*q.y-p[i].y*q.x};return s/2}
 in:=ar(poly)
 return in/(ar(a[:])+ar(b[:])-in)
}
func TestDevOutline(t *testing.T){
 b,err:=os.ReadFile("/tmp/sets/truth.json"); if err!=nil{t.Skip()}
 truth:=map[string]models.Quad{}; json.Unmarshal(b,&truth)
 names:=[]string{}; for n:=range truth{names=append(names,n)}; sort.Strings(names)
 want:=os.Getenv("SET")
 for name,f:=range devFinders{
 good:=map[string]int{}; all:=map[string]int{}; bad:=map[string][]string{}; took:=map[string]time.Duration{}; cover:=map[string]int{}
 for _,n:=range names{
  set:=strings.TrimRight(strings.TrimSuffix(n,".jpg"),"0123456789")
  if want!="" && want!=set {continue}
  m:=gocv.IMRead("/tmp/sets/"+n,gocv.IMReadColor)
  st:=time.Now()
  o,ok,err:=f(m); if err!=nil{t.Fatal(err)}
  took[set]+=time.Since(st)
  var q [4]vec; for i,c:=range truth[n]{q[i]=vec{c.X*float64(m.Cols()),c.Y*float64(m.Rows())}}
  v:=0.0; if ok{v=iou(o.corners,q)}
  all[set]++
  if v>=.9{good[set]++}else{bad[set]=append(bad[set],fmt.Sprintf("%s:%.2f",strings.TrimSuffix(n[len(set):],".jpg"),v))}
  if ok {cover[set]++}
  if os.Getenv("DRAW")!="" && v<.9 { drawQuad(&m,q,0,255,0); if ok{drawQuad(&m,o.corners,0,0,255)}; gocv.IMWrite("/tmp/bad/"+name+"-"+n,m)}
  m.Close()
 }
 for s:=range all{fmt.Printf("%-8s %-8s %d/%d found %d  %v ms bad %v\n",name,s,good[s],all[s],cover[s],took[s].Milliseconds()/int64(all[s]),bad[s])}
 }
}
func drawQuad(m *gocv.Mat,q [4]vec,b,g,r uint8){ for i:=range q{ p,z:=q[i],q[(i+1)%4]; gocv.Line(m,pt(p),pt(z),rgba(r,g,b),3)}}
