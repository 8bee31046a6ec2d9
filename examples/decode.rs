//! Look into recorded traffic: prints the events of a response, or the whole answer as JSON.
//!
//! ```text
//! decode --wire openai.chat [--host NAME] [--stream] [--status 200] [--header k:v] [--completion] FILE
//! decode --index INDEX.jsonl       a folder of recordings, one line of JSON a case: {id, ok, completion | error}
//! decode --errors ERRORS.jsonl     recorded error answers, one line of JSON a case: {id, error}
//! ```
//!
//! Wires: `openai.chat`, `openai.responses`, `anthropic.messages`, `google.generate`, `bedrock.converse`,
//! `bedrock.invoke.anthropic`, `ollama.chat`, `ollama.generate`, `cohere.chat`, `embeddings`. The content type says
//! how a body is cut; without the header it is guessed from `--stream` and the file's ending.
//!
//! `FILE` may be `-` for standard input. Field names are those of the recordings: `category` is the error table's,
//! with `context_length`, `content_filter` and `quota` told apart, because recordings are labelled so.

use std::error::Error as StdError;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use belvedere::Request;
use belvedere::completion::{Choice, Completion};
use belvedere::error::{Error, ErrorKind, Result};
use belvedere::message::{Part, ToolBy, arguments};
use belvedere::providers::wire;
use belvedere::reader::recorded;
use belvedere::request::Operation;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value, json};

fn main() {
    if let Err(error) = run(std::env::args().skip(1).collect()) {
        eprintln!("decode: {error}");
        std::process::exit(2);
    }
}

/// What the command line asks for.
#[derive(Default)]
struct Args {
    wire: Option<String>,
    host: Option<String>,
    stream: bool,
    completion: bool,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    index: Option<String>,
    errors: Option<String>,
    file: Option<String>,
}

fn parse(list: Vec<String>) -> std::result::Result<Args, Box<dyn StdError>> {
    let mut args = Args::default();
    let mut list = list.into_iter();
    while let Some(arg) = list.next() {
        let mut value = || list.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--wire" => args.wire = Some(value()?),
            "--host" => args.host = Some(value()?),
            "--status" => args.status = Some(value()?.parse()?),
            "--index" => args.index = Some(value()?),
            "--errors" => args.errors = Some(value()?),
            "--stream" => args.stream = true,
            "--completion" => args.completion = true,
            "--header" => {
                let header = value()?;
                let (name, text) = header.split_once(':').ok_or("--header takes name:value")?;
                args.headers.push((name.trim().to_owned(), text.trim().to_owned()));
            }
            other if other.starts_with("--") => return Err(format!("unknown option {other}").into()),
            _ => args.file = Some(arg),
        }
    }
    Ok(args)
}

fn run(list: Vec<String>) -> std::result::Result<(), Box<dyn StdError>> {
    let args = parse(list)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if let Some(index) = &args.index {
        return each_line(index, |row, folder| Ok(index_row(row, folder)), &mut out);
    }
    if let Some(errors) = &args.errors {
        return each_line(errors, |row, _| Ok(error_row(row)), &mut out);
    }
    let usage =
        "usage: decode --wire WIRE [--host NAME] [--stream] [--status N] [--header k:v] [--completion] FILE";
    let (Some(wire), Some(file)) = (&args.wire, &args.file) else { return Err(usage.into()) };
    let mut body = Vec::new();
    match file.as_str() {
        "-" => std::io::stdin().read_to_end(&mut body)?,
        file => std::fs::File::open(file)?.read_to_end(&mut body)?,
    };
    let mut headers = args.headers.clone();
    guess_content_type(&mut headers, file);
    let case = Case {
        wire,
        host: args.host.as_deref(),
        stream: args.stream,
        status: args.status.unwrap_or(200),
        headers: &headers,
        body: &body,
    };
    if args.completion {
        let json = match case.completion() {
            Ok(completion) => answer(&completion, &case),
            Err(error) => json!({ "error": error_json(&error, &case) }),
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&json)?)?;
        return Ok(());
    }
    let mut events = case.events()?;
    while let Some(item) = events.next().now_or_never().flatten() {
        match item {
            Ok(event) => writeln!(out, "{}", serde_json::to_string(&event)?)?,
            Err(error) => writeln!(out, "{}", json!({ "error": error_json(&error, &case) }))?,
        }
    }
    writeln!(out, "{}", json!({ "end": events.end() }))?;
    Ok(())
}

/// Says what a recorded file is by its ending, where no header does.
fn guess_content_type(headers: &mut Vec<(String, String)>, file: &str) {
    let kind = match file.rsplit('.').next().unwrap_or_default() {
        "sse" => "text/event-stream",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "eventstream" => "application/vnd.amazon.eventstream",
        "json" => "application/json",
        _ => return,
    };
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
}

/// Runs `each` over the rows of a JSON-lines file and prints what it gives.
fn each_line(
    file: &str,
    each: impl Fn(&Value, &Path) -> std::io::Result<Value>,
    out: &mut impl Write,
) -> std::result::Result<(), Box<dyn StdError>> {
    let folder = Path::new(file).parent().unwrap_or(Path::new("."));
    for line in std::fs::read_to_string(file)?.lines().filter(|line| !line.trim().is_empty()) {
        writeln!(out, "{}", each(&serde_json::from_str(line)?, folder)?)?;
    }
    Ok(())
}

/// One recorded response.
struct Case<'a> {
    wire: &'a str,
    host: Option<&'a str>,
    stream: bool,
    status: u16,
    headers: &'a [(String, String)],
    body: &'a [u8],
}

impl Case<'_> {
    fn events(&self) -> Result<belvedere::Events> {
        let provider = wire(self.wire, self.host)?;
        let operation = if self.wire == "embeddings" { Operation::Embed } else { Operation::Chat };
        let mut request = Request::default();
        request.operation = operation;
        request.stream = self.stream;
        let mut head = http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            head = head.header(name, value);
        }
        let invalid = |e: http::Error| Error::new(ErrorKind::InvalidRequest, e.to_string());
        let (head, ()) = head.body(()).map_err(invalid)?.into_parts();
        Ok(recorded(provider.as_ref(), &request, &head, [self.body]))
    }

    fn completion(&self) -> Result<Completion> {
        // Everything is there, so nothing waits.
        let nothing = || Err(Error::new(ErrorKind::Unexpected, "a recorded response waited"));
        self.events()?.collect().now_or_never().unwrap_or_else(nothing)
    }
}

fn index_row(row: &Value, folder: &Path) -> Value {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let raw = folder.join(text("raw").unwrap_or_default());
    let id = text("id").unwrap_or_default();
    let body = match std::fs::read(&raw) {
        Ok(body) => body,
        Err(e) => {
            let error = json!({ "category": "permanent", "kind": "unexpected", "message": format!("{}: {e}", raw.display()) });
            return json!({ "id": id, "ok": false, "error": error });
        }
    };
    let mut headers = headers(row.get("response_headers"));
    guess_content_type(&mut headers, text("raw").unwrap_or_default());
    let case = Case {
        wire: text("endpoint").unwrap_or_default(),
        host: text("provider").map(host_name),
        stream: row.get("stream").and_then(Value::as_bool).unwrap_or_default(),
        status: status(row),
        headers: &headers,
        body: &body,
    };
    let outcome = case.completion();
    let mut line = json!({ "id": id, "ok": outcome.is_ok() });
    merge(&mut line, outcome_json(&case, outcome));
    line
}

fn error_row(row: &Value) -> Value {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let body = match row.get("body") {
        Some(Value::String(body)) => body.clone(),
        Some(body) => body.to_string(),
        None => String::new(),
    };
    let mut headers = headers(row.get("headers"));
    let stream = row.get("mid_stream").and_then(Value::as_bool).unwrap_or_default();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        let kind = if stream { "text/event-stream" } else { "application/json" };
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    let case = Case {
        wire: text("endpoint").unwrap_or_default(),
        host: text("provider").map(host_name),
        stream,
        status: status(row),
        headers: &headers,
        body: body.as_bytes(),
    };
    let outcome = case.completion();
    let mut line = json!({ "id": text("id") });
    merge(&mut line, outcome_json(&case, outcome));
    line
}

/// Recordings call hosts that are no provider of their own `compat_*`, and write two names in one word.
fn host_name(provider: &str) -> &str {
    match provider.strip_prefix("compat_").unwrap_or(provider) {
        "llamacpp" => "llama_cpp",
        "lmstudio" => "lm_studio",
        name => name,
    }
}

/// A recording without a status keeps only the body: 200 lets the body speak.
fn status(row: &Value) -> u16 {
    row.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok()).unwrap_or(200)
}

fn headers(map: Option<&Value>) -> Vec<(String, String)> {
    let map = map.and_then(Value::as_object);
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    map.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn merge(line: &mut Value, more: Value) {
    if let (Value::Object(line), Value::Object(more)) = (line, more) {
        line.extend(more);
    }
}

fn outcome_json(case: &Case<'_>, outcome: Result<Completion>) -> Value {
    match outcome {
        Ok(completion) => json!({ "completion": answer(&completion, case) }),
        Err(error) => json!({ "error": error_json(&error, case) }),
    }
}

/// A whole answer, in the words of the recordings.
fn answer(c: &Completion, case: &Case<'_>) -> Value {
    if case.wire == "embeddings" {
        return embeddings(c);
    }
    let first = c.choices.first();
    let parts = || first.into_iter().flat_map(|choice| &choice.parts);
    let mut texts: Vec<String> = parts().filter_map(Part::as_text).map(str::to_owned).collect();
    if case.wire == "google.generate" {
        // Recordings of this wire know one text.
        texts = Some(texts.concat()).filter(|text| !text.is_empty()).into_iter().collect();
    }
    let finish = first.and_then(|choice| choice.finish.as_ref());
    let mut out = json!({
        "id": c.id,
        "model": c.model,
        "text": (!texts.is_empty()).then(|| texts.concat()),
        "text_parts": texts,
        "reasoning_text": c.reasoning().filter(|text| !text.is_empty()),
        "refusal": c.refusal(),
        "tool_calls": parts().filter_map(tool_call).collect::<Vec<_>>(),
        "server_tools": parts().filter_map(|part| server_tool(part, case)).collect::<Vec<_>>(),
        "finish_reason_raw": finish.and_then(|f| f.raw.as_deref()),
        "finish_reason": finish.and_then(|f| f.reason),
        "stop_sequence": finish.and_then(|f| f.stop_sequence.as_deref()),
        "choices_text": (c.choices.len() > 1).then(|| c.choices.iter().map(choice_text).collect::<Vec<_>>()),
        "notices": c.notices,
    });
    merge(&mut out, usage(c));
    out
}

fn choice_text(choice: &Choice) -> String {
    choice.parts.iter().filter_map(Part::as_text).collect()
}

fn usage(c: &Completion) -> Value {
    let usage = c.usage.as_ref();
    let mut reported = json!(usage.and_then(|u| u.reported.as_ref()));
    // A count that only Google has.
    if let Some(tools) = usage.and_then(|u| u.raw.get("toolUsePromptTokenCount")) {
        merge(&mut reported, json!({ "tool_use_prompt_tokens": tools }));
    }
    json!({
        "usage_reported": reported,
        "usage": usage.map(|u| &u.classes),
        "usage_raw": usage.map(|u| &u.raw),
    })
}

/// A call the client has to run.
fn tool_call(part: &Part) -> Option<Value> {
    let Part::ToolCall { id, name, input, by: ToolBy::Client, extra, .. } = part else { return None };
    let id = (!id.is_empty()).then_some(id);
    let mut call = match arguments(input) {
        Ok(arguments) => json!({ "id": id, "name": name, "arguments": arguments }),
        Err(_) => json!({ "id": id, "name": name, "arguments": null, "arguments_raw": input }),
    };
    // Of this wire, a call is an item with an id of its own.
    if let Some(item) = extra.get("openai.responses").and_then(|own| own.get("id")) {
        merge(&mut call, json!({ "item_id": item }));
    }
    Some(call)
}

/// A call the provider runs itself, or its result, by the wire's own name for it.
fn server_tool(part: &Part, case: &Case<'_>) -> Option<String> {
    match (case.wire, part) {
        ("google.generate", Part::ToolCall { by: ToolBy::Provider, name, .. })
            if name != "executableCode" =>
        {
            Some("toolCall".to_owned())
        }
        ("bedrock.converse", Part::ToolCall { by: ToolBy::Provider, .. }) if !case.stream => {
            Some("toolUse".to_owned())
        }
        (
            "anthropic.messages" | "bedrock.invoke.anthropic",
            Part::ToolCall { by: ToolBy::Provider, name, .. },
        ) => Some(format!("server_tool_use:{name}")),
        (_, Part::ToolCall { by: ToolBy::Provider, name, .. }) => Some(name.to_string()),
        ("anthropic.messages", Part::Opaque { kind, data, .. }) if kind == "mcp_tool_use" => {
            Some(format!("{kind}:{}", data.get("name").and_then(Value::as_str).unwrap_or_default()))
        }
        ("openai.responses" | "google.generate", Part::Opaque { kind, .. }) => Some(kind.to_string()),
        // Of a stream only the tools are listed.
        ("bedrock.converse", Part::Opaque { kind, .. }) => {
            (!case.stream || kind != "citationsContent").then(|| kind.to_string())
        }
        (_, Part::Opaque { kind, .. }) => kind.ends_with("_tool_result").then(|| kind.to_string()),
        _ => None,
    }
}

fn embeddings(c: &Completion) -> Value {
    let vector = c.embeddings.first().map(|e| &e.vector);
    let last = c.embeddings.last().and_then(|e| e.vector.last());
    let mut out = json!({
        "model": c.model,
        "embeddings": {
            "count": c.embeddings.len(),
            "dims": vector.map_or(0, |v| v.len()),
            "first3": vector.map(|v| v.iter().take(3).collect::<Vec<_>>()),
            "last": last,
        },
    });
    merge(&mut out, usage(c));
    out
}

fn error_json(error: &Error, case: &Case<'_>) -> Value {
    let provider = error.provider();
    let mut out = Map::new();
    let category = match error.kind() {
        ErrorKind::ContextTooLong => "context_length",
        ErrorKind::ContentFiltered => "content_filter",
        ErrorKind::QuotaExhausted => "quota",
        kind => kind.category().name(),
    };
    out.insert("category".into(), json!(category));
    out.insert("kind".into(), json!(error.kind().name()));
    out.insert(
        "message".into(),
        json!(provider.and_then(|p| p.message.as_deref()).unwrap_or(error.message())),
    );
    out.insert("type".into(), json!(provider.and_then(|p| p.r#type.as_deref())));
    out.insert("code".into(), json!(provider.and_then(|p| p.code.as_deref())));
    out.insert("status".into(), json!(provider.and_then(|p| p.status)));
    out.insert("retry_after_s".into(), json!(error.retry_after().map(|delay| delay.as_secs_f64())));
    let partial = error.partial().filter(|partial| !partial.choices.is_empty());
    out.insert("partial".into(), partial.map_or(Value::Null, |partial| answer(partial, case)));
    Value::Object(out)
}
