"""Draws lines of a machine readable zone as a bad camera sees them. Every range was chosen by eye on public specimens."""
import numpy as np, cv2, random, os
from PIL import Image, ImageDraw, ImageFont
ALPHABET='0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<'
OCRB=['/usr/share/fonts/opentype/ocr-b/OCRB.otf','/usr/share/fonts/opentype/ocr-b/OCRBS.otf']
# Cards whose issuers did not have OCR-B at hand. All must be there: the same seed is to draw the same lines everywhere.
OTHER=['/usr/share/fonts/truetype/'+f for f in ('dejavu/DejaVuSansMono.ttf','dejavu/DejaVuSansMono-Bold.ttf','liberation/LiberationMono-Regular.ttf',
    'liberation/LiberationMono-Bold.ttf','freefont/FreeMono.ttf','freefont/FreeMonoBold.ttf','noto/NotoMono-Regular.ttf','hack/Hack-Regular.ttf','hack/Hack-Bold.ttf')]
for _f in OCRB+OTHER:
    if not os.path.exists(_f): raise SystemExit(f'{_f} is missing: make train-mrz installs it')
_c={}
def font(p,s):
    k=(p,s)
    if k not in _c:_c[k]=ImageFont.truetype(p,s)
    return _c[k]
def rtext(n,r):
    k=r.random()
    if k<0.35: return ''.join(r.choice(ALPHABET) for _ in range(n))
    if k<0.55: return ''.join(r.choice('0123456789') if r.random()<0.85 else r.choice(ALPHABET) for _ in range(n))
    if k<0.8:
        s=''.join(r.choice('AAABCDEEEFGHIIJKLMNNOOPQRRSSTTUUVWXYZ') if r.random()<.85 else '<' for _ in range(n)); return s
    j=r.randint(0,n); return (''.join(r.choice(ALPHABET[:-1]) for _ in range(j))+'<'*n)[:n]
def sample(nchar, H=32, r=random, npr=np.random, text=None):
    t=text or rtext(nchar,r); n=len(t)
    fs=r.choice([28,34,40,48])
    fp=r.choice(OCRB) if r.random()<0.82 else r.choice(OTHER)
    f=font(fp,fs)
    adv=f.getlength('0'); asc=f.getbbox('0')
    pitch=adv*r.uniform(0.92,1.12) if r.random()<.6 else adv
    pad=int(pitch*1.2); chh=asc[3]-asc[1]
    W=int(pitch*n+2*pad); Hh=int(chh*5)
    ink=Image.new('L',(W,Hh),0); d=ImageDraw.Draw(ink)
    y0=int(chh*2)-asc[1]
    def line(s,y):
        for i,c in enumerate(s):
            dx=r.uniform(-.02,.02)*pitch
            d.text((pad+i*pitch+dx,y+r.uniform(-.02,.02)*chh),c,fill=255,font=f)
    line(t,y0)
    lp=chh*r.uniform(1.7,2.4)
    if r.random()<.5: line(rtext(n,r),y0+lp)
    if r.random()<.5: line(rtext(n,r),y0-lp)
    # text beyond the ends
    m=np.asarray(ink).astype(np.float32)/255
    # stroke thickness
    k=r.random()
    if k<.2: m=cv2.dilate(m,np.ones((2,2)))
    elif k<.35 and fs>=40: m=cv2.erode(m,np.ones((2,2)))
    if r.random()<.25: m*= (0.75+0.25*cv2.resize(npr.rand(max(2,Hh//6),max(2,W//6)).astype(np.float32),(W,Hh)))
    # background
    bg=np.full((Hh,W),r.uniform(120,255),np.float32)
    if r.random()<.6:
        yy,xx=np.mgrid[0:Hh,0:W].astype(np.float32)
        for _ in range(r.randint(1,3)):
            a=r.uniform(0,3.14);p=r.uniform(4,60);ph=r.uniform(0,6)
            bg+=r.uniform(2,22)*np.sin((xx*np.cos(a)+yy*np.sin(a)+r.uniform(0,8)*np.sin(xx/r.uniform(10,60)))/p*6.28+ph)
    if r.random()<.5:
        g=cv2.resize(npr.rand(2,r.randint(2,6)).astype(np.float32),(W,Hh),interpolation=cv2.INTER_CUBIC); bg+= (g-.5)*r.uniform(0,90)
    fg=r.uniform(0,90)
    fg=min(fg,bg.mean()-r.choice([30,45,45,60]))
    img=bg*(1-m)+fg*m
    if r.random()<.06:
        yl=int(chh*r.uniform(2.0,3.0)); th=r.randint(1,3); img[yl:yl+th,:]=img[yl:yl+th,:]*r.uniform(.3,.8)
    if r.random()<.05:
        cx=r.uniform(0,W); rad=r.uniform(chh,4*chh); yy,xx=np.mgrid[0:Hh,0:W]; ring=(abs(np.hypot(xx-cx,yy-chh*2.5)-rad)<chh*.08); img[ring]*=r.uniform(.5,.85)
    # geometric: crop band with jitter + slight rotation/perspective/shear
    top=chh*2-chh*r.uniform(.05,.95); bot=chh*3+chh*r.uniform(.05,.95)
    l=pad-pitch*r.uniform(0.1,1.0); rt=pad+pitch*n+pitch*r.uniform(-.05,1.0)
    sk=r.gauss(0,.006)*(rt-l)*(.6 if n>20 else 1)
    sk=max(-chh*.35,min(chh*.35,sk)); sh=r.gauss(0,.06)*chh
    src=np.float32([[l+sh,top+sk/2],[rt+sh,top-sk/2+r.gauss(0,.03)*chh],[rt-sh,bot-sk/2],[l-sh,bot+sk/2+r.gauss(0,.03)*chh]])
    outw=int((rt-l)/(bot-top)*H*r.uniform(.92,1.08)); outw=max(32,outw)
    # low-res sim: render to small then up
    s=r.choice([1,1,.8,.65,.5,.42])*r.uniform(.9,1.1); s=min(1.3,s)
    h2=max(10,int(H*s)); w2=max(24,int(outw*s))
    M=cv2.getPerspectiveTransform(src,np.float32([[0,0],[w2,0],[w2,h2],[0,h2]]))
    if h2<(bot-top): img=cv2.GaussianBlur(img,(0,0),max(.3,(bot-top)/h2*.35))
    o=cv2.warpPerspective(img,M,(w2,h2),flags=cv2.INTER_LINEAR,borderMode=cv2.BORDER_REPLICATE)
    if r.random()<.35: o=cv2.GaussianBlur(o,(0,0),r.uniform(.3,1.0)*max(.6,s))
    if r.random()<.12:
        kk=r.randint(2,4);K=np.zeros((kk,kk),np.float32);K[kk//2,:]=1./kk
        if r.random()<.5:K=K.T
        o=cv2.filter2D(o,-1,K)
    if r.random()<.6: o=o+npr.randn(*o.shape).astype(np.float32)*r.uniform(1,14)
    o=np.clip(o,0,255).astype(np.uint8)
    if r.random()<.5: o=cv2.imdecode(cv2.imencode('.jpg',o,[1,r.randint(25,90)])[1],0)
    o=cv2.resize(o,(outw,H),interpolation=r.choice([cv2.INTER_LINEAR,cv2.INTER_CUBIC,cv2.INTER_AREA]))
    if r.random()<.06:
        x=r.randint(0,outw-1);w=r.randint(4,30);o[:,x:x+w]=np.clip(o[:,x:x+w].astype(int)+r.randint(20,110),0,255)
    if r.random()<.08: # binarised
        o=cv2.threshold(o,0,255,cv2.THRESH_OTSU)[1]
    return o,t
def norm(o):
    o=o.astype(np.float32); lo,hi=np.percentile(o,2),np.percentile(o,98); return np.clip((o-lo)/max(20,hi-lo),0,1)*2-1
