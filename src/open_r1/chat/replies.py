"""Completions as they come, word by word: from an OpenAI-compatible server, or from transformers in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from open_r1.evaluation.backend_flags import Backend

Messages = list[dict[str, str]]


@dataclass
class Ending:
    """What is known once a completion has ended: its tokens, and whether the limit cut it off."""

    tokens: int | None = None
    truncated: bool = False


Replies = Callable[[Messages, Ending], Iterator[str]]
"""Yields the pieces of one completion and fills in its ending."""


def from_server(backend: Backend, max_tokens: int, temperature: float, seed: int) -> Replies:
    """Replies of `backend.base_url`, over the API that rollouts and evaluations use."""
    from openai import OpenAI

    url = backend.base_url.rstrip("/")
    client = OpenAI(base_url=url if url.endswith("/v1") else f"{url}/v1", api_key=backend.api_key, max_retries=0)

    def replies(messages: Messages, ending: Ending) -> Iterator[str]:
        stream = client.chat.completions.create(
            model=backend.model,
            messages=messages,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            stream=True,
            stream_options={"include_usage": True},
        )
        with stream:
            for event in stream:
                if event.usage:
                    ending.tokens = event.usage.completion_tokens
                for choice in event.choices:
                    ending.truncated = ending.truncated or choice.finish_reason == "length"
                    yield choice.delta.content or ""

    return replies


def from_transformers(backend: Backend, max_tokens: int, temperature: float, seed: int) -> Replies:
    """Replies of a model that is loaded here; raises OSError or ValueError where it cannot be."""
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        StoppingCriteria,
        StoppingCriteriaList,
        TextIteratorStreamer,
        set_seed,
    )

    tokenizer = AutoTokenizer.from_pretrained(backend.model)
    model = AutoModelForCausalLM.from_pretrained(backend.model, dtype="auto", use_safetensors=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).eval()
    sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}

    class Stopped(StoppingCriteria):
        """Ends a completion that nobody reads any more."""

        asked = False

        def __call__(self, input_ids, scores, **kwargs):
            return torch.full((input_ids.shape[0],), self.asked, device=input_ids.device)

    def replies(messages: Messages, ending: Ending) -> Iterator[str]:
        from threading import Thread

        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        set_seed(seed)
        streamer, stopped, done = (
            TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True),
            Stopped(),
            [],
        )

        def generate():
            with torch.inference_mode():
                done.append(
                    model.generate(
                        **inputs.to(device),
                        **sampling,
                        max_new_tokens=max_tokens,
                        pad_token_id=tokenizer.pad_token_id,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([stopped]),
                    )
                )

        thread = Thread(target=generate, daemon=True)
        thread.start()
        try:
            yield from streamer
        finally:
            stopped.asked = True
            thread.join()
            if done:
                new = done[0][0, inputs["input_ids"].shape[1] :]
                ending.tokens = len(new)
                ending.truncated = len(new) >= max_tokens and int(new[-1]) != tokenizer.eos_token_id

    return replies
