#!/usr/bin/env bash
# mlx-lm 0.32.2 (mlx 0.32.0, processor; transformers 5.24.0, torch 2.10.0; seen 2026-11-30, Linux x86-64): config.json lists for
# each layer whether it sees a window of tokens (layer_types). transformers goes by that list. mlx-lm does not read it: its
# Gemma 3 goes by sliding_window_pattern alone, and its Gemma 2 and Mistral have no window at all. A model whose layers do not
# repeat as the pattern says (one layer taken out of a group, or a list of one's own) loads without a word and is another model.
#
# Output seen: Gemma 3 equal where the list repeats as the pattern says, other logits from the first token on where it does not;
# Gemma 2 and Mistral equal up to the window, and other logits after it.
# Cost: a pruned Gemma on a Mac answers as another model would, and nothing says so.
# What it became: come prune --keep-pattern, a warning on the terminal, in come.json and in the card where the pattern is broken,
# and the table of docs/downstream.md.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q torch==2.10.0 transformers==5.24.0 safetensors numpy mlx==0.32.0 mlx-cpu==0.32.0 mlx-lm==0.32.2
cat > kinds.py <<'PY'
import numpy, torch
import mlx.core as mx
from mlx_lm.utils import load_model
from pathlib import Path
from transformers import AutoConfig, AutoModelForCausalLM

mx.set_default_device(mx.cpu)
WINDOW = 16
IDS = [3 + (i * i * 7 + 11 * i) % 59 for i in range(40)]
S, F = "sliding_attention", "full_attention"
CASES = {"gemma3 regular": ("gemma3_text", [S, F, S, F]), "gemma3 irregular": ("gemma3_text", [S, S, F, F]),
         "gemma2": ("gemma2", [S, F, S, F]), "mistral": ("mistral", None)}
for name, (family, kinds) in CASES.items():
    torch.manual_seed(3)
    more = {"layer_types": kinds} if kinds else {}
    if family.startswith("gemma"):
        more |= {"head_dim": 32, "query_pre_attn_scalar": 32}
    if family == "gemma3_text":
        more |= {"sliding_window_pattern": 2, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "rope_parameters": {
            F: {"rope_type": "default", "rope_theta": 1e6}, S: {"rope_type": "default", "rope_theta": 1e4}}}
    config = AutoConfig.for_model(model_type=family, vocab_size=128, hidden_size=128, intermediate_size=256,
        num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, sliding_window=WINDOW,
        pad_token_id=None, bos_token_id=1, eos_token_id=2, **more)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    for tensor in model.parameters():
        tensor.data.add_(torch.randn_like(tensor) * 0.1)
    place = name.replace(" ", "-")
    model.save_pretrained(place)
    with torch.no_grad():
        right = model(torch.tensor([IDS]), use_cache=False).logits[0]
    other = torch.from_numpy(numpy.array(load_model(Path(place))[0](mx.array([IDS]))[0].astype(mx.float32)))
    apart = (right - other).abs().amax(-1)
    first = int((apart > 2e-3).nonzero()[0]) if apart.max() > 2e-3 else None
    print(f"{name}: " + ("equal" if first is None else "equal up to the window" if first >= WINDOW else "another model"))
PY
seen=$(venv/bin/python kinds.py 2> errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "gemma3 regular: equal
gemma3 irregular: another model
gemma2: equal up to the window
mistral: equal up to the window" ] || { echo "mlx-lm behaves differently now"; exit 1; }
