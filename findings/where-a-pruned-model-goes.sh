#!/usr/bin/env bash
# What other programs make of a pruned folder. Small random models of several families lose layers 2 and 3 (a whole group, where
# kinds of layers repeat) or layer 1 alone; every tool's logits are compared with those of transformers 5.24.0 when the same layers
# are deleted in memory. Beside it: quantisers, and a LoRA of the dense model after `come adapter`. docs/downstream.md shows the
# table. It fails if a result is another than the one that is expected below.
#
# It needs the built command (./come), and in PYTHON a Python 3.11 or later that has torch (2.10.0, CPU), transformers 5.24.0 and
# peft 0.21.2. The other packages come into folders of their own.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
come=${COME:-$root/come}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
"$python" -m pip install -q --target "$work/older" transformers==4.57.6
"$python" -m pip install -q --no-deps --target "$work/mlx" mlx==0.32.0 mlx-cpu==0.32.0 mlx-lm==0.32.2
"$python" -m pip install -q --no-deps --target "$work/ao" torchao==0.18.0
"$python" -m pip install -q --no-deps --target "$work/bnb" bitsandbytes==0.50.2
cd "$work"

cat > common.py <<'PY'
import json, sys, torch
IDS = [3 + (i * i * 7 + 11 * i) % 59 for i in range(40)]  # longer than every window
FAMILIES = ["llama", "qwen3", "mistral", "phi3", "olmo2", "gemma2", "gemma3_text", "granite", "smollm3"]
def expect(name, value, seen):
    seen[name] = value
    print(f"{name:34} {value}", flush=True)
def verdict(logits, folder):
    reference = torch.load(f"{folder}.pt")
    difference = (logits - reference).abs().amax(-1)
    if difference.max() < 2e-3:
        return "same"
    return "same up to the window" if difference[:16].max() < 2e-3 else "OTHER"
PY

cat > make.py <<'PY'
import copy, shutil, sys, torch
from common import *
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, logging
logging.set_verbosity_error()
for family in FAMILIES:
    torch.manual_seed(len(family))
    more = {"rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}
    if family in ("gemma2", "gemma3_text", "mistral", "phi3"):
        more["sliding_window"] = 16
    if family.startswith("gemma"):
        more |= {"head_dim": 32, "query_pre_attn_scalar": 32}
    if family == "gemma3_text":
        more |= {"layer_types": (["sliding_attention"] * 1 + ["full_attention"]) * 4, "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}, "sliding_window_pattern": 2}
    if family == "smollm3":
        more |= {"no_rope_layers": [1, 0] * 4, "no_rope_layer_interval": 2}
    config = AutoConfig.for_model(model_type=family, vocab_size=128, hidden_size=128, intermediate_size=256, num_hidden_layers=8,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, pad_token_id=None, bos_token_id=1,
        eos_token_id=2, **more)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                weight.normal_(0, 0.12)
            else:
                weight.normal_(0 if family.startswith("gemma") else 1, 0.2)
    model.save_pretrained(family)
    shutil.copy(sys.argv[1], family)
    if family == "llama":
        adapted = get_peft_model(copy.deepcopy(model), LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "up_proj"],
            rank_pattern={"model.layers.5.self_attn.q_proj": 2}))
        with torch.no_grad():
            for name, weight in adapted.named_parameters():
                if "lora_" in name:
                    weight.normal_(0, 0.1)
        adapted.save_pretrained("lora")
        layers = adapted.base_model.model.model.layers
        adapted.base_model.model.model.layers = torch.nn.ModuleList(layer for i, layer in enumerate(layers) if i not in (2, 3))
        with torch.no_grad():
            torch.save(adapted.eval()(torch.tensor([IDS]), use_cache=False).logits[0], "lora.pt")
    every = list(model.model.layers)
    for name, gone in (("group", (2, 3)), ("middle", (1,))):
        # Masks and positions go by layer in these classes, so what config.json says of layers is deleted with them.
        smaller = copy.deepcopy(config)
        left = [i for i in range(8) if i not in gone]
        for key in ("layer_types", "no_rope_layers"):
            if getattr(config, key, None):
                setattr(smaller, key, [getattr(config, key)[i] for i in left])
        smaller.num_hidden_layers = len(left)
        model.model.layers = torch.nn.ModuleList(every[i] for i in left)
        model.model.config = model.config = smaller
        with torch.no_grad():
            torch.save(model(torch.tensor([IDS]), use_cache=False).logits[0], f"{family}-{name}.pt")
PY

cat > transformers_of.py <<'PY'
import transformers
from common import *
from transformers import AutoModelForCausalLM, logging
logging.set_verbosity_error()
seen = {}
for family in FAMILIES:
    for name in ("group", "middle"):
        model = AutoModelForCausalLM.from_pretrained(f"{family}-{name}", torch_dtype=torch.float32,
            attn_implementation="eager").eval()  # 4.57.6 leaves out Gemma 2's soft cap otherwise, of the dense model too
        with torch.no_grad():
            logits = model(torch.tensor([IDS]), use_cache=False).logits[0]
        expect(f"transformers {transformers.__version__} {family} {name}", verdict(logits, f"{family}-{name}"), seen)
json.dump(seen, open(f"seen-transformers-{transformers.__version__}.json", "w"))
PY

cat > mlx_of.py <<'PY'
from common import *
import mlx.core as mx, numpy
from pathlib import Path
from mlx_lm.utils import load_model
mx.set_default_device(mx.cpu)
seen = {}
for family in FAMILIES:
    for name in ("group", "middle"):
        try:
            model = load_model(Path(f"{family}-{name}"))[0]
            logits = torch.from_numpy(numpy.array(model(mx.array([IDS]))[0].astype(mx.float32)))
            result = verdict(logits, f"{family}-{name}")
        except Exception as error:
            result = "refused" if not isinstance(error, ImportError) else repr(error)
            print("   ", type(error).__name__, str(error)[:150])
        expect(f"mlx-lm 0.32.2 {family} {name}", result, seen)
json.dump(seen, open("seen-mlx.json", "w"))
PY

cat > lora_of.py <<'PY'
from common import *
from peft import PeftModel
from transformers import AutoModelForCausalLM, logging
logging.set_verbosity_error()
seen = {}
for folder in ("lora", "lora-small"):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("llama-group", dtype=torch.float32), folder).eval()
    with torch.no_grad():
        expect(f"peft 0.21.2 {folder}", verdict(model(torch.tensor([IDS]), use_cache=False).logits[0], "lora"), seen)
json.dump(seen, open("seen-lora.json", "w"))
PY

cat > quantised.py <<'PY'
import sys
from common import *
from transformers import AutoModelForCausalLM, logging
logging.set_verbosity_error()
seen = {}
tool = sys.argv[1]
for family in ("llama", "gemma2", "smollm3"):
    for name in ("group", "middle"):
        folder = f"{family}-{name}"
        try:
            if tool == "torchao":
                from torchao.quantization import Int8WeightOnlyConfig, quantize_
                model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
                quantize_(model, Int8WeightOnlyConfig())
            else:
                from transformers import BitsAndBytesConfig
                model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map="cpu",
                    quantization_config=BitsAndBytesConfig(load_in_8bit=True)).eval()
            with torch.no_grad():
                logits = model(torch.tensor([IDS]), use_cache=False).logits[0].float()
            reference = torch.load(f"{folder}.pt")
            error = ((logits - reference).norm() / reference.norm()).item()
            print(f"    relative error {error:.4f}")
            result = "close" if error < 0.1 else "OTHER"
        except Exception as problem:
            print("   ", type(problem).__name__, str(problem)[:150])
            result = "refused"
        expect(f"{tool} int8 {family} {name}", result, seen)
json.dump(seen, open(f"seen-{tool}.json", "w"))
PY

"$python" make.py "$root/core/src/test/resources/fixtures/words/tokenizer.json"
for family in $("$python" -c "from common import *; print(*FAMILIES)"); do
    "$come" prune --quiet --method manual --layers 2,3 --model "$family" --save-path "$family-group" > /dev/null
    "$come" prune --quiet --method manual --layers 1 --model "$family" --save-path "$family-middle" > /dev/null
done
"$come" adapter --quiet --from lora --plan llama-group/come.json --save-path lora-small
"$python" transformers_of.py
PYTHONPATH=$work/older "$python" transformers_of.py
PYTHONPATH=$work/mlx "$python" mlx_of.py
"$python" lora_of.py
PYTHONPATH=$work/ao "$python" quantised.py torchao
PYTHONPATH=$work/bnb "$python" quantised.py bitsandbytes
"$python" - <<'PY'
import glob, json
from common import FAMILIES
seen = {}
for file in sorted(glob.glob("seen-*.json")):
    seen |= json.load(open(file))
expected = {f"transformers {version} {family} {name}": "same" for version in ("5.24.0", "4.57.6") for family in FAMILIES
            for name in ("group", "middle")}
# Windows are no part of mlx-lm's classes of these families, of the dense model neither; of Gemma 3 it takes the size of a group.
windows = {"mistral", "phi3", "gemma2"}
expected |= {f"mlx-lm 0.32.2 {family} {name}": "same up to the window" if family in windows else "same" for family in FAMILIES
             for name in ("group", "middle")} | {"mlx-lm 0.32.2 gemma3_text middle": "OTHER"}
expected |= {f"{tool} int8 {family} {name}": "close" for tool in ("torchao", "bitsandbytes")
             for family in ("llama", "gemma2", "smollm3") for name in ("group", "middle")}
expected |= {"peft 0.21.2 lora": "OTHER", "peft 0.21.2 lora-small": "same"}
changed = {name: (seen.get(name), value) for name, value in expected.items() if seen.get(name) != value}
changed |= {name: (value, None) for name, value in seen.items() if name not in expected}
assert not changed, changed
print("as expected")
PY
