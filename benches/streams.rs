//! One streamed answer for each wire, of our own making and shaped as the real services shape theirs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere::wire::Framing;

/// A streamed answer.
#[derive(Debug)]
pub struct Stream {
    /// The wire it speaks.
    pub wire: &'static str,
    /// How it is cut into frames.
    pub framing: Framing,
    /// Its content type.
    pub content_type: &'static str,
    /// Where a frame has its text.
    pub text: &'static str,
    /// Its bytes.
    pub body: Vec<u8>,
}

const SSE: (Framing, &str) = (Framing::Sse, "text/event-stream");
const LINES: (Framing, &str) = (Framing::Lines, "application/x-ndjson");
const AWS: (Framing, &str) = (Framing::AwsEventStream, "application/vnd.amazon.eventstream");
const ARRAY: (Framing, &str) = (Framing::JsonArray, "application/json");

/// A stream of `chunks` text deltas for each wire.
pub fn all(chunks: usize) -> Vec<Stream> {
    let of = |wire, (framing, content_type), text, body| Stream { wire, framing, content_type, text, body };
    vec![
        of("openai.chat", SSE, "/choices/0/delta/content", crate::openai_stream(chunks)),
        of("openai.responses", SSE, "/delta", responses(chunks)),
        of("anthropic.messages", SSE, "/delta/text", sse(&anthropic(chunks))),
        of("google.generate", SSE, "/candidates/0/content/parts/0/text", sse(&google(chunks))),
        of("google.generate", ARRAY, "/candidates/0/content/parts/0/text", array(&google(chunks))),
        of("bedrock.converse", AWS, "/delta/text", converse(chunks)),
        of("bedrock.invoke.anthropic", AWS, "/delta/text", invoke(chunks)),
        of("ollama.chat", LINES, "/message/content", ollama(chunks, true)),
        of("ollama.generate", LINES, "/response", ollama(chunks, false)),
        of("cohere.chat", SSE, "/delta/message/content/text", sse(&cohere(chunks))),
    ]
}

/// The texts of the deltas, as they stand in JSON.
fn words(chunks: usize) -> impl Iterator<Item = &'static str> {
    let words =
        ["A ", "stream", " is", " a", " promise", " kept", ",", " \\\"so\\\"", " it", " goes", ".\\n"];
    words.into_iter().cycle().take(chunks)
}

/// A frame: its event name and its data.
type Named = (&'static str, String);

fn sse(frames: &[Named]) -> Vec<u8> {
    let frame = |(name, data): &Named| match *name {
        "" => format!("data: {data}\r\n\r\n"),
        name => format!("event: {name}\ndata: {data}\n\n"),
    };
    frames.iter().map(frame).collect::<String>().into_bytes()
}

fn array(frames: &[Named]) -> Vec<u8> {
    let list: Vec<&str> = frames.iter().map(|(_, data)| data.as_str()).collect();
    format!("[{}]", list.join("\n,\r\n")).into_bytes()
}

fn responses(chunks: usize) -> Vec<u8> {
    let id = "msg_0123456789abcdef0123456789abcdef0123456789abcdef01";
    let head = r#""id":"resp_0123456789abcdef0123456789abcdef01","object":"response","created_at":1790000000,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-bench","parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","metadata":{}"#;
    let text: String = words(chunks).collect();
    let part = format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#);
    let item = format!(
        r#"{{"id":"{id}","type":"message","status":"completed","content":[{part}],"role":"assistant"}}"#
    );
    let mut frames = vec![
        (
            "response.created",
            format!(r#""response":{{{head},"status":"in_progress","output":[],"usage":null}}"#),
        ),
        (
            "response.output_item.added",
            format!(
                r#""output_index":0,"item":{{"id":"{id}","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#
            ),
        ),
        (
            "response.content_part.added",
            format!(
                r#""content_index":0,"item_id":"{id}","output_index":0,"part":{{"type":"output_text","annotations":[],"logprobs":[],"text":""}}"#
            ),
        ),
    ];
    frames.extend(words(chunks).map(|word| {
        let delta = format!(
            r#""content_index":0,"delta":"{word}","item_id":"{id}","logprobs":[],"obfuscation":"a1b2c3d4e5","output_index":0"#
        );
        ("response.output_text.delta", delta)
    }));
    let place = format!(r#""content_index":0,"item_id":"{id}","output_index":0"#);
    frames.push(("response.output_text.done", format!(r#"{place},"logprobs":[],"text":"{text}""#)));
    frames.push(("response.content_part.done", format!(r#"{place},"part":{part}"#)));
    frames.push(("response.output_item.done", format!(r#""output_index":0,"item":{item}"#)));
    let usage = format!(
        r#"{{"input_tokens":12,"input_tokens_details":{{"cached_tokens":0}},"output_tokens":{chunks},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}}"#,
        chunks + 12
    );
    frames.push((
        "response.completed",
        format!(r#""response":{{{head},"status":"completed","output":[{item}],"usage":{usage}}}"#),
    ));
    let numbered = frames.into_iter().enumerate();
    let frames: Vec<Named> = numbered
        .map(|(n, (name, fields))| (name, format!(r#"{{"type":"{name}",{fields},"sequence_number":{n}}}"#)))
        .collect();
    sse(&frames)
}

fn anthropic(chunks: usize) -> Vec<Named> {
    let mut frames = vec![
        (
            "message_start",
            r#"{"type":"message_start","message":{"model":"claude-bench","id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}"#
                .to_owned(),
        ),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned(),
        ),
    ];
    frames.extend(words(chunks).map(|word| {
        let data = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{word}"}}}}"#
        );
        ("content_block_delta", data)
    }));
    frames.push(("content_block_stop", r#"{"type":"content_block_stop","index":0}"#.to_owned()));
    frames.push((
        "message_delta",
        format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{chunks}}}}}"#
        ),
    ));
    frames.push(("message_stop", r#"{"type":"message_stop"}"#.to_owned()));
    frames
}

fn google(chunks: usize) -> Vec<Named> {
    let frame = |word: &str, finish: &str| {
        let data = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{word}"}}],"role":"model"}},{finish}"index":0}}],"usageMetadata":{{"promptTokenCount":12,"candidatesTokenCount":{chunks},"totalTokenCount":{},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":12}}]}},"modelVersion":"gemini-bench","responseId":"abcdefghijklmnop"}}"#,
            chunks + 12
        );
        ("", data)
    };
    let mut frames: Vec<Named> = words(chunks).map(|word| frame(word, "")).collect();
    frames.push(frame("", r#""finishReason":"STOP","#));
    frames
}

fn cohere(chunks: usize) -> Vec<Named> {
    let mut frames = vec![
        (
            "message-start",
            r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#
                .to_owned(),
        ),
        (
            "content-start",
            r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#.to_owned(),
        ),
    ];
    frames.extend(words(chunks).map(|word| {
        let data = format!(
            r#"{{"type":"content-delta","index":0,"delta":{{"message":{{"content":{{"text":"{word}"}}}}}}}}"#
        );
        ("content-delta", data)
    }));
    frames.push(("content-end", r#"{"type":"content-end","index":0}"#.to_owned()));
    frames.push((
        "message-end",
        format!(
            r#"{{"type":"message-end","delta":{{"finish_reason":"COMPLETE","usage":{{"billed_units":{{"input_tokens":12,"output_tokens":{chunks}}},"tokens":{{"input_tokens":12,"output_tokens":{chunks}}}}}}}}}"#
        ),
    ));
    frames
}

fn converse(chunks: usize) -> Vec<u8> {
    let padding = "abcdefghijklmnopqrstuvwxyz";
    let mut out = aws("messageStart", &format!(r#"{{"p":"{padding}","role":"assistant"}}"#));
    for word in words(chunks) {
        let data = format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{word}"}},"p":"{padding}"}}"#);
        out.extend(aws("contentBlockDelta", &data));
    }
    out.extend(aws("contentBlockStop", r#"{"contentBlockIndex":0,"p":"ab"}"#));
    out.extend(aws("messageStop", r#"{"p":"abcd","stopReason":"end_turn"}"#));
    let usage = format!(
        r#"{{"metrics":{{"latencyMs":267}},"p":"ab","usage":{{"inputTokens":12,"outputTokens":{chunks},"totalTokens":{}}}}}"#,
        chunks + 12
    );
    out.extend(aws("metadata", &usage));
    out
}

fn invoke(chunks: usize) -> Vec<u8> {
    let frames = anthropic(chunks).into_iter().map(|(_, data)| {
        aws("chunk", &format!(r#"{{"bytes":"{}","p":"abcdefghijklmnop"}}"#, STANDARD.encode(data)))
    });
    frames.flatten().collect()
}

fn ollama(chunks: usize, chat: bool) -> Vec<u8> {
    let head = r#"{"model":"bench:4b","created_at":"2026-08-17T15:57:12.772341Z","#;
    let text = |word: &str| match chat {
        true => format!(r#""message":{{"role":"assistant","content":"{word}"}}"#),
        false => format!(r#""response":"{word}""#),
    };
    let mut out: String =
        words(chunks).map(|word| format!("{head}{},\"done\":false}}\n", text(word))).collect();
    let end = format!(
        r#""done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":12,"prompt_eval_duration":1,"eval_count":{chunks},"eval_duration":1"#
    );
    out.push_str(&format!("{head}{},{end}}}\n", text("")));
    out.into_bytes()
}

/// One message of the AWS event stream: prelude, headers, payload, and their two checksums.
fn aws(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    let text = [(":event-type", event), (":content-type", "application/json"), (":message-type", "event")];
    for (name, value) in text {
        headers.push(u8::try_from(name.len()).unwrap_or_default());
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or_default().to_be_bytes();
    let mut out = [length(headers.len() + payload.len() + 16), length(headers.len())].concat();
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload.as_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}
