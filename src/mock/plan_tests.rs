use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::{Error, Result};
use http::{Method, Response};

use super::*;
use crate::mock::script::{Answer, Failure};

/// A wire of lines: a word for each event, `end` at the end.
#[derive(Debug)]
struct Lines;

#[derive(Debug)]
struct Writer;

impl Endpoint for Lines {
    fn wire(&self) -> &'static str {
        "test.lines"
    }

    fn accepts(&self, _: &Method, path: &str) -> bool {
        path == "/lines"
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        Ok(Request::from(String::from_utf8_lossy(request.body()).into_owned()))
    }

    fn whole(&self, _: &Request, answer: &Completion) -> Response<Bytes> {
        Response::new(answer.text().into())
    }

    fn stream(&self, _: &Request) -> (Response<()>, Box<dyn Encoder>) {
        let head = Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
        (head, Box::new(Writer))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        Response::builder().status(418).body(error.kind().to_string().into()).unwrap()
    }
}

impl Encoder for Writer {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Text { delta, .. } => out.extend_from_slice(format!("{delta}\n").as_bytes()),
            Event::Finish { .. } => out.extend_from_slice(b"finish\n"),
            _ => {}
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        match error {
            Some(error) => out.extend_from_slice(format!("error {}\n", error.kind()).as_bytes()),
            None => out.extend_from_slice(b"end\n"),
        }
    }
}

fn plan(step: &Step, stream: bool) -> Plan {
    let mut request = Request::from("Hi");
    request.stream = stream;
    Plan::answer(&Lines, &request, step)
}

/// The acts as text: what is written as it is, all else in brackets.
fn shown(step: &Step, stream: bool) -> String {
    let act = |act: &Act| match act {
        Act::Write(bytes) => bytes.escape_ascii().to_string(),
        Act::Wait(Some(duration)) => format!("[{duration:?}]"),
        other => format!("[{}]", format!("{other:?}").to_lowercase()),
    };
    plan(step, stream).acts.iter().map(act).collect()
}

fn broken_by(fault: Fault) -> [String; 2] {
    let step = Step { fault: Some(fault), ..Step::text("a b c") };
    [true, false].map(|stream| shown(&step, stream))
}

#[test]
fn a_stream_is_its_tokens_and_its_end() {
    assert_eq!(shown(&Step::text("a b"), true), r"a \nb\nfinish\nend\n");
    assert_eq!(plan(&Step::text("a b"), true).length, None);
    assert_eq!(
        (shown(&Step::text("a b"), false).as_str(), plan(&Step::text("a b"), false).length),
        ("a b", Some(3))
    );
}

#[test]
fn tokens_take_their_time() {
    let mut step = Step::text("a b c").after(Duration::from_secs(9));
    step.timing.latency = Duration::from_secs(1);
    step.timing.tokens_per_second = Some(4.0);
    assert_eq!(shown(&step, true), r"[9s]a \n[250ms]b \n[250ms]c\nfinish\nend\n");
    assert_eq!(plan(&step, true).latency, Duration::from_secs(1));
    assert_eq!(
        plan(&step, false).latency,
        Duration::from_millis(10_500),
        "a whole answer is ready when all of it is"
    );
}

#[test]
fn a_fault_comes_after_its_tokens() {
    assert_eq!(broken_by(Fault::Cut { after: 2 }), [r"a \nb \n[cut]", "a b[cut]"]);
    assert_eq!(broken_by(Fault::Close { after: 1 }), [r"a \n[flush][close]", "a[flush][close]"]);
    assert_eq!(broken_by(Fault::Reset { after: 0 }), [r"[flush][reset]", "[flush][reset]"]);
    let stall = |lasts| broken_by(Fault::Stall { after: 1, lasts });
    assert_eq!(stall(None)[0], r"a \n[wait(none)]b \nc\nfinish\nend\n");
    assert_eq!(stall(Some(Duration::from_secs(2))), [r"a \n[2s]b \nc\nfinish\nend\n", "a[2s] b c"]);
    let error = Fault::Error { after: 1, status: 529, message: None };
    assert_eq!(broken_by(error), [r"a \nerror overloaded\n[cut]", "overloaded"]);
    let garbage = |text: Option<&str>| broken_by(Fault::Garbage { after: 1, text: text.map(Into::into) });
    assert_eq!(garbage(Some("?"))[0], r"a \n?b \nc\nfinish\nend\n");
    assert!(garbage(None)[0].contains(r"data: }garb\xff\xfeage{\n\n"), "{}", garbage(None)[0]);
}

#[test]
fn a_fault_after_more_tokens_than_there_are_comes_before_the_finish() {
    assert_eq!(broken_by(Fault::Cut { after: 99 }), [r"a \nb \nc\n[cut]", "a b [cut]"]);
    let mut step = Step { fault: Some(Fault::Cut { after: 99 }), ..Step::text("a") };
    step.answer.finish_reason = Some("missing".into());
    assert_eq!(shown(&step, true), r"a\n[cut]");
}

#[test]
fn an_error_inside_a_whole_answer_has_status_200() {
    let step = Step::fault(Fault::Error { after: 0, status: 500, message: None });
    assert_eq!(plan(&step, false).head.status, 200);
}

#[test]
fn bytes_are_cut_and_line_ends_changed_whatever_the_wire() {
    let mut step = Step::text("ä\u{1f600}x");
    step.delivery.split = Split::Characters;
    let expected = r"\xc3[flush]\xa4\xf0[flush]\x9f\x98\x80x\n[flush]finish\n[flush]end\n[flush]";
    assert_eq!(shown(&step, true), expected);
    step.delivery.split = Split::Bytes(2.try_into().unwrap());
    assert_eq!(
        shown(
            &Step { answer: Answer { text: Some("abc".into()), ..Answer::default() }, ..step.clone() },
            false
        ),
        "ab[flush]c[flush]"
    );
    assert_eq!(plan(&step, false).length, Some(7));
    step = Step::text("a");
    step.delivery.crlf = true;
    assert_eq!(shown(&step, true), r"a\r\nfinish\r\nend\r\n");
}

#[test]
fn headers_are_added_and_the_content_type_replaced() {
    let mut step = Step::text("a");
    step.delivery.content_type = Some("text/plain".into());
    step.delivery.headers.insert("x-a".into(), "b".into());
    let head = plan(&step, true).head;
    assert_eq!(
        (&head.headers["content-type"], &head.headers["x-a"]),
        (&"text/plain".parse().unwrap(), &"b".parse().unwrap())
    );
    let step = Step { error: Some(Failure::default()), ..step };
    let plan = Plan::error(Lines.error(&error_of(500, None, None)), &step);
    assert_eq!((plan.head.status.as_u16(), &plan.head.headers["x-a"]), (418, &"b".parse().unwrap()));
}

#[test]
fn each_framing_has_its_sign_of_life() {
    let sign = |wire, kind| sign_of_life(wire, kind).map(|sign| String::from_utf8(sign.into()).unwrap());
    assert_eq!(sign("openai.chat", "text/event-stream; charset=utf-8").as_deref(), Some(": ping\n\n"));
    assert!(sign("anthropic.messages", "text/event-stream").unwrap().starts_with("event: ping\n"));
    assert_eq!(sign("ollama.chat", "application/x-ndjson").as_deref(), Some("\n"));
    assert_eq!(sign("bedrock.converse", "application/vnd.amazon.eventstream"), None);
}
