"""Runs main.py of a checkout of the authors' code (github.com/WangFei-2019/CoMe) on token windows that lie in files.

    python reference.py CHECKOUT DTYPE CALIBRATION PERPLEXITY ARGUMENT...

CHECKOUT     their code, which is used as it is
DTYPE        auto (as their code does: the type of the checkpoint), float32 or bfloat16
CALIBRATION  what to measure layers on, ids separated by blanks: a window a line, all of one length; or for mka a row a
             line, which is padded to 2048 tokens as their loader does
PERPLEXITY   the windows to measure perplexity on
ARGUMENT...  the arguments of their main.py

Their Python is needed with what their requirements.txt names; tried with torch 2.8.0 and transformers 4.46.3, which
their copy of the Llama model fits. Nothing here makes their code faster or slower than it is.
"""

import logging
import os
import runpy
import sys
from types import SimpleNamespace

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from transformers import AutoConfig


def rows(path):
    with open(path, encoding="ascii") as lines:
        return [[int(token) for token in line.split()] for line in lines]


def windows(path):
    """The ids of all windows in one row, as their loaders return them: they cut it into windows themselves."""
    ids = torch.tensor([sum(rows(path), [])])
    return SimpleNamespace(input_ids=ids, attention_mask=torch.ones_like(ids))


def padded(path, token, length=2048):
    """The same of rows that their loader pads."""
    ids, mask = [], []
    for row in rows(path):
        padding = length - len(row)
        ids += row + [token] * padding
        mask += [1] * len(row) + [0] * padding
    return SimpleNamespace(input_ids=torch.tensor([ids]), attention_mask=torch.tensor([mask]))


def compute_in(dtype):
    """Their code loads a model in the type that its configuration names."""
    from_pretrained = AutoConfig.from_pretrained

    def with_dtype(*arguments, **options):
        config = from_pretrained(*arguments, **options)
        config.torch_dtype = dtype
        return config

    AutoConfig.from_pretrained = with_dtype


def repair_concat_merge_p():
    """concat_merge_P notes the ratio before it has found it, an UnboundLocalError: the note goes behind the search."""
    import methods.concat_merge_P as module

    with open(module.__file__, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    note = next(i for i, line in enumerate(lines) if '["merge_ratio"]' in line)
    found = max(i for i, line in enumerate(lines) if line.strip().startswith("ratio = ["))
    assert note < found
    lines.insert(found, lines.pop(note))
    exec(compile("".join(lines), module.__file__, "exec"), module.__dict__)
    methods.methods_call["concat_merge_P"] = module.main_func


checkout, dtype, calibration, perplexity = sys.argv[1:5]
sys.argv = ["main.py", *sys.argv[5:]]
sys.path.insert(0, checkout)
if dtype != "auto":
    compute_in(getattr(torch, dtype))

# A model folder that transformers 5 wrote calls its tokenizer by a name that transformers 4 does not know yet.
if not hasattr(transformers, "TokenizersBackend"):
    transformers.TokenizersBackend = transformers.PreTrainedTokenizerFast

# The data sets are looked for in a folder of their machine. These are replaced before others import them by name.
import utils.data_utils

method = sys.argv[sys.argv.index("--method") + 1]
utils.data_utils.get_trainloaders = lambda *_, tokenizer, **__: (
    padded(calibration, tokenizer.pad_token_id) if method == "mka" else windows(calibration))
utils.data_utils.get_loaders = lambda *_, **__: (None, windows(perplexity))

# The evaluation of perplexity and sleb log without having imported logging, and would end with a NameError.
import methods.sleb
import utils.eval_utils

utils.eval_utils.logging = logging
methods.sleb.logging = logging

# sleb computes losses on "cuda:0" whatever there is.
if not torch.cuda.is_available():
    sleb_loss = methods.sleb.get_loss
    methods.sleb.get_loss = lambda model, dataloader, bs=1, device=None: sleb_loss(model, dataloader, bs=bs)

if method == "concat_merge_P":
    repair_concat_merge_p()

# Models cut the ids into windows of 2048 tokens again, however long those in the file are.
import utils.model_utils

get_llmhander = utils.model_utils.get_llmhander


def handler_for_the_windows(*arguments, **options):
    if method == "concat_merge_P":
        options["concat_merge"] = True  # main.py loads their copy of the Llama model for concat_merge only
    handler = get_llmhander(*arguments, **options)
    if method != "mka":
        handler.model.seqlen = len(rows(calibration)[0])
    return handler


utils.model_utils.get_llmhander = handler_for_the_windows

runpy.run_path(os.path.join(checkout, "main.py"), run_name="__main__")
