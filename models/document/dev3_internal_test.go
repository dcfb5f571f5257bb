package document
import ("testing";"fmt";"os";"encoding/json";"sort";"strings";"gocv.io/x/gocv";"vestibule/models")
func TestDevCand(t *testing.T){
 b,err:=os.ReadFile("/tmp/sets/truth.json"); if err!=nil{t.Skip()}
 truth:=map[string]models.Quad{}; json.Unmarshal(b,&truth)
 names:=[]string{}; for n:=range truth{names=append(names,n)}; sort.Strings(names)
 want:=os.Getenv("SET")
 var right,wrong []float64
 for _,n:=range names{
  set:=strings.TrimRight(strings.TrimSuffix(n,".jpg"),"0123456789")
  if want!="" && want!=set {continue}
  m:=gocv.IMRead("/tmp/sets/"+n,gocv.IMReadColor)
  all,_:=searchBorders(m)
  var q [4]vec; for i,c:=range truth[n]{q[i]=vec{c.X*float64(m.Cols()),c.Y*float64(m.Rows())}}
  m.Close()
  best,at:=0.0,-1
  for i,o:=range all{ if v:=iou(o.corners,q);v>best{best,at=v,i}}
  top,tv:=0.0,0.0
  if len(all)>0{top=all[0].score; tv=iou(all[0].corners,q)}
  if tv>=.9{right=append(right,top)}else if len(all)>0{wrong=append(wrong,top)}
  if tv<.9||top<borderLeast{ s:=0.0; if at>=0{s=all[at].score}; fmt.Printf("%s n=%d top %.3f iou %.2f; best iou %.2f at %d score %.3f\n",n,len(all),top,tv,best,at,s)}
 }
 sort.Float64s(right); sort.Float64s(wrong)
 fmt.Println("right",right[:min(len(right),25)]); fmt.Println("wrong",wrong)
}
