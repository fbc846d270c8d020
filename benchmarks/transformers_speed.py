"""Does with transformers what `come latency` does, from the start of the process: prompts, or tokens after them.

    python transformers_speed.py MODEL DTYPE BATCH PROMPT NEW ITERATIONS

NEW  tokens to generate after each prompt; 0 times the prompts alone
"""

import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM


def main(folder, dtype, batch, prompt, new, iterations):
    batch, prompt, new, iterations = int(batch), int(prompt), int(new), int(iterations)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto" if dtype == "auto" else getattr(torch, dtype))
    model.eval()
    ids = torch.randint(3, model.config.vocab_size, (batch, prompt), generator=torch.Generator().manual_seed(10))
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        for iteration in range(iterations + 1):  # the first warms up, as ours does
            started = time.perf_counter()
            if new:
                model.generate(input_ids=ids, attention_mask=mask, min_new_tokens=new, max_new_tokens=new,
                               do_sample=False, pad_token_id=0)
            else:
                model(input_ids=ids, attention_mask=mask, logits_to_keep=1)
            print(f"{iteration}: {time.perf_counter() - started:.3f} s", flush=True)


main(*sys.argv[1:])
