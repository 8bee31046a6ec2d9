"""What the functions of `belvedere.types` make is what the core reads."""

from __future__ import annotations

from belvedere import types


def test_messages_are_those_of_openai() -> None:
    assert types.system("Be brief.") == {"role": "system", "content": "Be brief."}
    assert types.user("hi") == {"role": "user", "content": "hi"}
    assert types.assistant("hello") == {"role": "assistant", "content": "hello"}
    assert types.tool("c1", "42") == {"role": "tool", "tool_call_id": "c1", "content": "42"}


def test_parts_of_a_users_message() -> None:
    assert types.user("What is this?", types.image(b"\x00\x01", mime="image/jpeg", detail="low")) == {
        "role": "user",
        "content": [
            "What is this?",
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAE=", "detail": "low"}},
        ],
    }
    assert types.image("https://x.y/z.png") == {"type": "image_url", "image_url": {"url": "https://x.y/z.png"}}
    assert types.audio(b"\x00", format="mp3") == {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}
    assert types.file(b"\x00", name="a.pdf") == {
        "type": "file",
        "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
    }
