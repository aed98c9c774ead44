# Makes digits_torch.onnx, as PyTorch 2 exports a network with batch norm unfolded, with its answers:
# python3 tests/models/digits_torch.py, with numpy, onnx and torch from PyPI.
import gzip, numpy as np, torch, torch.nn as nn
torch.manual_seed(1); torch.set_num_threads(1)
rows=np.array([[float(v) for v in l.split(',')] for l in gzip.open('examples/digits/data/digits.csv.gz','rt') if l.strip() and l[0].isdigit()])
print(rows.shape, rows[:, :64].max())
n=len(rows); test=rows[-360:]; train=rows[:-360]
X=lambda r: torch.tensor(r[:, :64]/16.0, dtype=torch.float32).reshape(-1,1,8,8)
Y=lambda r: torch.tensor(r[:,64], dtype=torch.long)
net=nn.Sequential(nn.Conv2d(1,8,3,padding=1,bias=False),nn.BatchNorm2d(8),nn.Hardswish(),
  nn.Conv2d(8,8,3,padding=1,groups=8,stride=2,bias=False),nn.BatchNorm2d(8),nn.ReLU6(),
  nn.Conv2d(8,24,1,bias=False),nn.BatchNorm2d(24),nn.ReLU(),nn.MaxPool2d(2),nn.Flatten(),nn.Linear(96,10),nn.Softmax(1))
opt=torch.optim.Adam(net.parameters(),3e-3); x,y=X(train),Y(train)
for e in range(60):
    net.train(); p=torch.randperm(len(x))
    for i in range(0,len(x),64):
        b=p[i:i+64]
        if len(b)<2: continue
        opt.zero_grad(); l=nn.functional.cross_entropy(net[:-1](x[b]),y[b]); l.backward(); opt.step()
    if e==40:
        for g in opt.param_groups: g['lr']=5e-4
net.eval()
with torch.no_grad(): print('test', (net(X(test)).argmax(1)==Y(test)).float().mean())
torch.onnx.export(net,(x[:1],),'tests/models/digits_torch.onnx',input_names=['image'],output_names=['probabilities'],dynamo=False,opset_version=17,dynamic_axes={'image':{0:'batch'}},do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
with torch.no_grad(): out=net(X(test[:20])).numpy()
np.savez_compressed('tests/models/golden/digits_torch.onnx.npz',in0=X(test[:20]).numpy(),out0=out)
