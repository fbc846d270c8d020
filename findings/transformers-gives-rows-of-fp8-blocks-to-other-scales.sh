#!/usr/bin/env bash
# transformers 5.24.0: a checkpoint of eight-bit floats with weight_scale_inv (quant_method fp8, weight_block_size [128, 128]) whose
# matrices have rows or columns that 128 does not divide is dequantised wrong, or not at all. Fp8Dequantize does not look at
# weight_block_size: it divides the shape by the number of scales. 192 rows have two scales, so it takes blocks of 96, and rows 96
# to 127 get the second scale instead of the first, without a word. 320 rows have three scales, which do not divide them: an error.
#
# Seen on 2026-12-01, on a machine without a GPU, where transformers dequantises at loading by itself. compressed-tensors 0.20.1
# fills the last block up and gives the right numbers.
#
# Here: the last block of a matrix may be smaller (ScaledTensorsTests#theLastBlockMayBeSmaller), and docs/models-and-data.md
# says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.24.0 torch==2.10.0 accelerate
cd "$work"
cat > run.py <<'EOF'
import json

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

print("transformers", transformers.__version__)
BLOCK = 128


def stored(hidden):
    """A model of one layer whose matrices are all 1, each block stored as 1 / scale with a scale of its own."""
    config = LlamaConfig(vocab_size=32, hidden_size=hidden, intermediate_size=128, num_hidden_layers=1,
                         num_attention_heads=2, num_key_value_heads=2)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained("model")
    tensors = load_file("model/model.safetensors")
    for name in [name for name in tensors if ".layers." in name and tensors[name].ndim == 2]:
        rows, columns = tensors[name].shape
        scales = torch.empty(-(-rows // BLOCK), -(-columns // BLOCK))
        for row in range(scales.shape[0]):
            for column in range(scales.shape[1]):
                scales[row, column] = 2.0 ** (row - column)
        each = scales.repeat_interleave(BLOCK, 0)[:rows].repeat_interleave(BLOCK, 1)[:, :columns]
        tensors[name] = (1 / each).to(torch.float8_e4m3fn)
        tensors[name + "_scale_inv"] = scales
    save_file(tensors, "model/model.safetensors", metadata={"format": "pt"})
    config = json.load(open("model/config.json"))
    config["quantization_config"] = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK]}
    json.dump(config, open("model/config.json", "w"))


stored(256)
weight = AutoModelForCausalLM.from_pretrained("model", dtype=torch.bfloat16).model.layers[0].self_attn.q_proj.weight
print("256 rows:", "right" if (weight == 1).all() else "WRONG")
assert (weight == 1).all()
stored(192)
weight = AutoModelForCausalLM.from_pretrained("model", dtype=torch.bfloat16).model.layers[0].self_attn.q_proj.weight
wrong = (weight != 1).any(1).nonzero().flatten()
print("192 rows:", "right" if not len(wrong) else f"WRONG in {len(wrong)} rows, numbers from {weight.min():g} to {weight.max():g}")
assert len(wrong)
stored(320)
try:
    AutoModelForCausalLM.from_pretrained("model", dtype=torch.bfloat16)
    raise AssertionError("loaded")
except RuntimeError as e:
    print("320 rows:", str(e).splitlines()[0])
EOF
CUDA_VISIBLE_DEVICES= "$work/venv/bin/python" run.py 2>/dev/null
