"""Requests and answers as types of the program."""

import json
from dataclasses import dataclass

import llmq


@dataclass
class Question:
    text: str


@dataclass
class Answer:
    text: str
    tokens: int


def encode(question: Question) -> dict:
    return {"messages": [{"role": "user", "content": question.text}], "max_tokens": 20}


def decode(data: bytes) -> Answer:
    told = json.loads(data)
    return Answer(told["choices"][0]["message"]["content"], told["usage"]["completion_tokens"])


with llmq.Manager({"models": [{"name": "m", "provider": "mock"}]}) as manager:
    model = manager.model("m", encode=encode, decode=decode)
    answer = model.call(Question("Name a river.")).value
    print(answer.text, answer.tokens)
