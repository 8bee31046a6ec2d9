//! Two providers in this process: a server that speaks OpenAI's and Anthropic's wires over real HTTP.
//!
//! It knows one key, three models and a few sentences. `belvedere-1` answers; `belvedere-slow` thinks for longer than
//! anyone wants to wait; `belvedere-fragile` breaks off in the middle, and goes on when it is given the beginning of its
//! answer.
//!
//! The wires are those of <https://platform.openai.com/docs/api-reference/chat> and
//! <https://docs.anthropic.com/en/api/messages>.
#![expect(
    clippy::disallowed_methods,
    reason = "a server is no part of a pipeline: its time and tasks are its own"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::answers;

/// The key the server takes.
pub(crate) const KEY: &str = "sk-quickstart-0000-0000-0000";
/// The model that answers.
pub(crate) const MODEL: &str = "belvedere-1";
/// The model that keeps its callers waiting.
pub(crate) const SLOW_MODEL: &str = "belvedere-slow";

/// The model whose connection breaks in the middle of an answer.
pub(crate) const FRAGILE_MODEL: &str = "belvedere-fragile";

/// The time between two tokens.
const PACE: Duration = Duration::from_millis(20);
/// What the slow model takes for its first token.
const SLOW: Duration = Duration::from_secs(30);

type Body = StreamBody<stream::BoxStream<'static, std::io::Result<Frame<Bytes>>>>;

/// Starts the server on a free port of this machine and gives its address. It runs until the program ends.
pub(crate) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    Ok(address)
}

/// A client that goes away ends its connection; that is all there is to say about it.
async fn serve(connection: TcpStream) {
    let _ = connection.set_nodelay(true);
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/openai/v1/models") => whole(StatusCode::OK, &openai::models()),
        (&Method::POST, "/openai/v1/chat/completions") => {
            match given(&head.headers, "authorization", "Bearer ") {
                key if key == KEY => reply(&asked, openai::whole, openai::frames),
                key => whole(StatusCode::UNAUTHORIZED, &openai::wrong_key(key)),
            }
        }
        (&Method::POST, "/anthropic/v1/messages") => match given(&head.headers, "x-api-key", "") {
            key if key == KEY => reply(&asked, anthropic::whole, anthropic::frames),
            _ => whole(StatusCode::UNAUTHORIZED, &anthropic::wrong_key()),
        },
        _ => whole(
            StatusCode::NOT_FOUND,
            &json!({"error": {"message": "no such path", "type": "not_found_error"}}),
        ),
    }
}

/// The key in a header.
fn given<'a>(headers: &'a HeaderMap, name: &str, prefix: &str) -> &'a str {
    let value = headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.strip_prefix(prefix).unwrap_or_default()
}

/// What a wire needs to know of an answer.
struct Answer {
    model: String,
    text: String,
    input_tokens: usize,
}

impl Answer {
    /// A word and the space after it count as a token, which is close enough.
    fn tokens(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }

    fn output_tokens(&self) -> usize {
        self.tokens().count()
    }
}

/// Answers whole or as a stream, as was asked for.
fn reply(asked: &Value, all: fn(&Answer) -> Value, frames: fn(&Answer) -> Vec<String>) -> Response<Body> {
    let model = asked.get("model").and_then(Value::as_str).unwrap_or(MODEL).to_owned();
    let delay = if model == SLOW_MODEL { SLOW } else { PACE };
    let prompt = asked.get("messages").map(Value::to_string).unwrap_or_default();
    let said = answers::to(&prompt, asked.get("response_format").is_some());
    let begun = begun(asked);
    let text = said.strip_prefix(begun).unwrap_or(said).to_owned();
    let answer = Answer { model, text, input_tokens: prompt.split_whitespace().count() };
    if asked.get("stream").and_then(Value::as_bool) == Some(true) {
        let frames = frames(&answer);
        let whole = frames.len();
        let breaks = answer.model == FRAGILE_MODEL && begun.is_empty();
        let kept = if breaks { whole * 2 / 3 } else { whole };
        response(StatusCode::OK, "text/event-stream", paced(frames, kept, delay))
    } else {
        whole(StatusCode::OK, &all(&answer))
    }
}

/// The beginning of the answer that a request already holds: a last message of the assistant ("prefill").
fn begun(asked: &Value) -> &str {
    let last = asked.get("messages").and_then(Value::as_array).and_then(|messages| messages.last());
    let last = last.filter(|message| message.get("role").is_some_and(|role| role == "assistant"));
    let content = last.and_then(|message| message.get("content"));
    let text = content.and_then(|content| content.as_str().or_else(|| content.pointer("/0/text")?.as_str()));
    text.unwrap_or_default()
}

/// One frame after another, each after its time. After `kept` frames the connection breaks, if there are more.
fn paced(
    frames: Vec<String>,
    kept: usize,
    first: Duration,
) -> impl Stream<Item = std::io::Result<String>> + Send + 'static {
    let breaks = kept < frames.len();
    let end = breaks.then(|| Err(std::io::Error::other("the connection breaks, as connections do")));
    let frames = frames.into_iter().take(kept).map(Ok).chain(end);
    stream::iter(frames.enumerate()).then(move |(at, frame)| async move {
        tokio::time::sleep(if at == 0 { first } else { PACE }).await;
        frame
    })
}

fn whole(status: StatusCode, body: &Value) -> Response<Body> {
    response(status, "application/json", stream::iter([Ok(body.to_string())]))
}

fn response(
    status: StatusCode,
    kind: &str,
    body: impl Stream<Item = std::io::Result<String>> + Send + 'static,
) -> Response<Body> {
    let frames = body.map(|text| text.map(|text| Frame::data(Bytes::from(text))));
    let mut response = Response::new(StreamBody::new(frames.boxed()));
    *response.status_mut() = status;
    let headers =
        [("content-type", kind), ("x-request-id", "req_quickstart"), ("request-id", "req_quickstart")];
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// OpenAI's chat completions.
mod openai {
    use super::*;

    fn usage(answer: &Answer) -> Value {
        let (input, output) = (answer.input_tokens, answer.output_tokens());
        json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        })
    }

    fn chunk(answer: &Answer, choices: Value, usage: Value) -> String {
        let chunk = json!({
            "id": "chatcmpl-quickstart", "object": "chat.completion.chunk", "created": 1_763_596_800, "model": answer.model,
            "service_tier": "default", "system_fingerprint": null, "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    }

    pub(super) fn frames(answer: &Answer) -> Vec<String> {
        let choice = |delta: Value, reason: Value| {
            chunk(
                answer,
                json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]),
                Value::Null,
            )
        };
        let mut frames =
            vec![choice(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
        frames.extend(answer.tokens().map(|token| choice(json!({"content": token}), Value::Null)));
        frames.push(choice(json!({}), json!("stop")));
        frames.push(chunk(answer, json!([]), usage(answer)));
        frames.push("data: [DONE]\n\n".to_owned());
        frames
    }

    pub(super) fn whole(answer: &Answer) -> Value {
        let message =
            json!({"role": "assistant", "content": answer.text, "refusal": null, "annotations": []});
        json!({
            "id": "chatcmpl-quickstart", "object": "chat.completion", "created": 1_763_596_800, "model": answer.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
            "usage": usage(answer), "service_tier": "default", "system_fingerprint": null,
        })
    }

    pub(super) fn models() -> Value {
        let model =
            |id| json!({"id": id, "object": "model", "created": 1_763_596_800, "owned_by": "belvedere"});
        json!({"object": "list", "data": [model(MODEL), model(SLOW_MODEL), model(FRAGILE_MODEL)]})
    }

    /// Some servers repeat the whole key. It is here to be kept out of what the client prints.
    pub(super) fn wrong_key(key: &str) -> Value {
        let message = format!(
            "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys."
        );
        json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}})
    }
}

/// Anthropic's messages.
mod anthropic {
    use super::*;

    fn usage(answer: &Answer, output: usize) -> Value {
        json!({
            "input_tokens": answer.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": output, "service_tier": "standard",
        })
    }

    fn message(answer: &Answer, content: Value, stop_reason: Value, output: usize) -> Value {
        json!({
            "id": "msg_quickstart", "type": "message", "role": "assistant", "model": answer.model, "content": content,
            "stop_reason": stop_reason, "stop_sequence": null, "usage": usage(answer, output),
        })
    }

    pub(super) fn frames(answer: &Answer) -> Vec<String> {
        let frame = |name: &str, mut data: Value| {
            if let Value::Object(data) = &mut data {
                data.insert("type".to_owned(), name.into());
            }
            format!("event: {name}\ndata: {data}\n\n")
        };
        let start = message(answer, json!([]), Value::Null, 1);
        let mut frames = vec![
            frame("message_start", json!({"message": start})),
            frame("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}})),
            frame("ping", json!({})),
        ];
        frames.extend(answer.tokens().map(|token| {
            frame("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": token}}))
        }));
        let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
        let end = json!({"delta": delta, "usage": {"output_tokens": answer.output_tokens()}});
        frames.push(frame("content_block_stop", json!({"index": 0})));
        frames.push(frame("message_delta", end));
        frames.push(frame("message_stop", json!({})));
        frames
    }

    pub(super) fn whole(answer: &Answer) -> Value {
        let content = json!([{"type": "text", "text": answer.text}]);
        message(answer, content, json!("end_turn"), answer.output_tokens())
    }

    pub(super) fn wrong_key() -> Value {
        let error = json!({"type": "authentication_error", "message": "invalid x-api-key"});
        json!({"type": "error", "error": error, "request_id": "req_quickstart"})
    }
}
