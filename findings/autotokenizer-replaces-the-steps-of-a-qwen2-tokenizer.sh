#!/usr/bin/env bash
# transformers 5.24.0 (tokenizers 0.23.x): AutoTokenizer replaces how a tokenizer.json normalises and cuts texts if the
# config.json beside it says model_type "qwen2", though tokenizer_config.json names the general class TokenizersBackend. With
# "qwen3", "llama" or "olmo2" the same two files give the ids that tokenizer.json says. Nothing is printed about it.
#
# Seen on 2026-11-30: for "a!\n\nb" tokenizer.json cuts the two line ends apart; with model_type qwen2 they become one token.
# Models of Qwen 2's architecture with a tokenizer of their own are common, and a converter that asks AutoTokenizer stores the
# wrong way to cut words in their files.
#
# Here: ids are those of tokenizer.json, whatever the model type is (TokenizerTests#theTypeOfAModelChangesNoIds), and
# docs/models-and-data.md says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.24.0
cd "$work"
"$work/venv/bin/python" - <<'EOF'
import json
import os
import tokenizers
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer

print("transformers", transformers.__version__, "tokenizers", tokenizers.__version__)
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
line = "\u010a"
vocabulary = {token: i for i, token in enumerate(letters + [line + line])}
whole = Tokenizer(models.BPE(vocab=vocabulary, merges=[(line, line)]))
whole.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
whole.decoder = decoders.ByteLevel()
seen = {}
for kind in ("qwen2", "qwen3", "llama", "olmo2"):
    os.makedirs(kind)
    whole.save(f"{kind}/tokenizer.json")
    json.dump({"tokenizer_class": "TokenizersBackend"}, open(f"{kind}/tokenizer_config.json", "w"))
    json.dump({"model_type": kind}, open(f"{kind}/config.json", "w"))
    loaded = AutoTokenizer.from_pretrained(kind)
    ids = loaded("a!\n\nb", add_special_tokens=False)["input_ids"]
    seen[kind] = ids == whole.encode("a!\n\nb").ids
    print(kind, type(loaded).__name__, loaded.convert_ids_to_tokens(ids), "as tokenizer.json" if seen[kind] else "OTHER")
assert seen == {"qwen2": False, "qwen3": True, "llama": True, "olmo2": True}, seen
EOF
