//! What the benches share: inputs of our own making, an upstream on loopback, and CPU time.

pub mod streams;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// An OpenAI chat stream of `chunks` text deltas, shaped as the real service shapes it.
pub fn openai_stream(chunks: usize) -> Vec<u8> {
    let words = [
        "A ",
        "stream",
        " is",
        " a",
        " promise",
        " kept",
        " one",
        " token",
        " at",
        " a time",
        ",",
        " \\\"so\\\"",
        " it",
        " goes",
        ".\\n",
    ];
    let head = r#"{"id":"chatcmpl-Bench0123456789abcdefghijkl","object":"chat.completion.chunk","created":1790000000,"model":"gpt-bench-2026-01-01","service_tier":"default","system_fingerprint":"fp_0123456789","#;
    let mut out = String::new();
    out.push_str(&format!(
        "data: {head}\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null,\"obfuscation\":\"a1b2c3\"}}\n\n"
    ));
    for word in words.iter().cycle().take(chunks) {
        out.push_str(&format!(
            "data: {head}\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null,\"obfuscation\":\"a1b2c3d4e5\"}}\n\n"
        ));
    }
    out.push_str(&format!(
        "data: {head}\"choices\":[{{\"index\":0,\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":null}}\n\n"
    ));
    out.push_str(&format!(
        "data: {head}\"choices\":[],\"usage\":{{\"prompt_tokens\":12,\"completion_tokens\":{chunks},\"total_tokens\":{},\"prompt_tokens_details\":{{\"cached_tokens\":0,\"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"audio_tokens\":0}}}}}}\n\ndata: [DONE]\n\n",
        chunks + 12
    ));
    out.into_bytes()
}

/// A whole OpenAI chat answer, as the real service writes it.
pub const OPENAI_ANSWER: &str = r#"{
  "id": "chatcmpl-Bench0123456789abcdefghijkl",
  "object": "chat.completion",
  "created": 1790000000,
  "model": "gpt-bench-2026-01-01",
  "choices": [
    {
      "index": 0,
      "message": {
        "role": "assistant",
        "content": "A stream is a promise kept one token at a time, and an answer is the sum of what was kept.",
        "refusal": null,
        "annotations": []
      },
      "logprobs": null,
      "finish_reason": "stop"
    }
  ],
  "usage": {
    "prompt_tokens": 19,
    "completion_tokens": 23,
    "total_tokens": 42,
    "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
    "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 }
  },
  "service_tier": "default",
  "system_fingerprint": "fp_0123456789"
}"#;

/// Serves [`OPENAI_ANSWER`] on loopback from a thread of its own, so that its CPU time is not the caller's. Below
/// `/stream/N` it serves [`openai_stream`] of N chunks.
///
/// # Errors
/// When the port or the runtime can't be had.
pub fn upstream() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("upstream".into()).spawn(move || runtime.block_on(serve(listener)))?;
    Ok(address)
}

async fn serve(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(socket), service_fn(answer));
        #[expect(clippy::disallowed_methods, reason = "the upstream is no part of the pipeline")]
        tokio::spawn(connection);
    }
}

async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let chunks = request.uri().path().strip_prefix("/stream/").and_then(|rest| rest.split('/').next());
    let chunks: Option<usize> = chunks.and_then(|chunks| chunks.parse().ok());
    drop(http_body_util::BodyExt::collect(request.into_body()).await);
    let (kind, body) = match chunks {
        Some(chunks) => ("text/event-stream", Bytes::from(openai_stream(chunks))),
        None => ("application/json", Bytes::from_static(OPENAI_ANSWER.as_bytes())),
    };
    let mut response = hyper::Response::new(Full::new(body));
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    Ok(response)
}

/// How many calls [`per_call`] has open at a time.
pub const IN_FLIGHT: usize = 64;

/// CPU time of the calling thread, in microseconds a call of `calls` calls, [`IN_FLIGHT`] at a time.
///
/// # Panics
/// When a call has no answer: then there is nothing to measure.
pub async fn per_call<F: Future<Output = Option<String>>>(calls: usize, call: impl Fn() -> F) -> f64 {
    let began = thread_cpu();
    let good = futures_util::stream::iter(0..calls)
        .map(|_| call())
        .buffer_unordered(IN_FLIGHT)
        .filter(|answer| std::future::ready(answer.as_ref().is_some_and(|text| !text.is_empty())))
        .count()
        .await;
    let cost = thread_cpu() - began;
    assert_eq!(good, calls, "every call has to be answered");
    cost.as_secs_f64() * 1e6 / calls as f64
}

/// The middle of some figures.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// CPU time of the calling thread so far: what the machine's other work can't change much.
pub fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
