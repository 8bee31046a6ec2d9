use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::StreamExt;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::client::Client;
use crate::clock::Clock;
use crate::credentials::{Anonymous, ApiKeys, Secret};
use crate::error::{ProviderError, RetryAfter};
use crate::event::Finish;
use crate::events::EndKind;
use crate::provider::{Decoder, Frame, Framing};
use crate::request::Options;
use crate::testing::{Fault, Piece, Reply, Simulation};

/// A wire of lines: `text` lines are text, `.` is the terminal signal, `!` an error.
#[derive(Debug)]
struct Toy {
    base: http::Uri,
    goes_to: &'static str,
}

impl Toy {
    fn new() -> Self {
        Toy { base: "https://api.test/v1".parse().unwrap(), goes_to: "https://api.test/v1/ask" }
    }
}

impl Provider for Toy {
    fn info(&self) -> Info {
        Info::new("toy", "toy.lines").with_model(Some("toy-1".into()))
    }

    fn base_url(&self) -> &http::Uri {
        &self.base
    }

    fn encode(&self, _: &Request) -> Result<http::Request<Bytes>> {
        Ok(http::Request::post(self.goes_to).body(Bytes::from_static(b"?")).unwrap())
    }

    fn decode(&self, _: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let status = head.status.as_u16();
        let retry_after = head.headers.get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let framing = if head.status.is_success() { Framing::Lines } else { Framing::Json };
        Ok((framing, Box::new(ToyDecoder { status, retry_after, started: false })))
    }
}

struct ToyDecoder {
    status: u16,
    retry_after: Option<String>,
    started: bool,
}

impl Decoder for ToyDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let line = String::from_utf8_lossy(frame.data).into_owned();
        if self.status >= 400 || line.starts_with('!') {
            let kind = match self.status {
                401 => ErrorKind::Unauthorized,
                429 => ErrorKind::RateLimited,
                _ => ErrorKind::Overloaded,
            };
            let said =
                ProviderError { status: Some(self.status), message: Some(line), ..ProviderError::default() };
            let error = Error::new(kind, "the provider refused the request").with_provider(said);
            let date = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000_000);
            return Err(match self.retry_after.as_deref() {
                Some("far") => error.with_retry_after(RetryAfter::at(date)),
                Some(_) => error.with_retry_after(RetryAfter::at(std::time::SystemTime::UNIX_EPOCH)),
                None => error,
            });
        }
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::Start { id: None, model: None });
        }
        if line == "." {
            out.push(Event::PartEnd { choice: 0, part: 0 });
            out.push(Event::Finish { choice: 0, finish: Finish::default() });
        } else {
            out.push(Event::Text { choice: 0, part: 0, delta: line.into() });
        }
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "no terminal signal"))
    }
}

fn client(simulation: &Simulation, credentials: impl Credentials) -> Client {
    Client::new(Http::new(Toy::new(), credentials), simulation.lent())
}

fn body(text: &str) -> Reply {
    Reply::ok("text/plain", text.to_owned())
}

#[test]
fn w1_any_cut_of_the_body_gives_the_same_answer() {
    for every in 1..9 {
        let simulation = Simulation::new(1);
        simulation.network.push(body("one\ntwo\n.\n").with_every(NonZeroUsize::new(every).unwrap()));
        let answer = simulation.run(client(&simulation, Anonymous).complete("hi")).unwrap();
        assert_eq!(answer.text(), "onetwo");
        simulation.assert_idle();
    }
}

#[test]
fn s16_after_the_terminal_signal_a_bounded_rest_is_read_and_the_connection_let_go() {
    let cases = [
        // What follows the answer, the virtual time the caller waits, connections our side had to close.
        (vec![], 0, 0),
        (vec![Piece::Text("trailing bytes\n".into())], 0, 0),
        (vec![Piece::Stall(true)], 100, 1),
        (vec![Piece::Text("x".repeat(70_000))], 0, 1),
        (vec![Piece::Error(Fault::Reset)], 0, 0),
    ];
    for (rest, waited, aborted) in cases {
        let simulation = Simulation::new(1);
        let reply = rest.into_iter().fold(body("hello\n.\n"), Reply::with);
        simulation.network.push(reply);
        let began = simulation.clock.now();
        let client = client(&simulation, Anonymous);
        let mut stream = simulation.run(client.stream("hi")).unwrap();
        let mut events = 0;
        simulation.run(async {
            while let Some(event) = stream.next().await {
                event.unwrap();
                events += 1;
            }
        });
        assert_eq!((events, stream.end()), (4, Some(EndKind::Finished)));
        assert_eq!(simulation.clock.now().since(began), Duration::from_millis(waited));
        assert_eq!(simulation.network.aborted(), aborted);
        simulation.assert_idle();
    }
}

#[test]
fn s16_a_body_that_is_over_is_not_read_again() {
    // The last line has no end: `Finish` comes with the end of the body, and nothing is left to wait for.
    let simulation = Simulation::new(1);
    simulation.network.push(body("hi\n."));
    let client = client(&simulation, Anonymous);
    let answer = simulation.run(async { client.stream("x").await.unwrap().collect().await }).unwrap();
    assert_eq!(answer.text(), "hi");
    assert_eq!(simulation.network.aborted(), 0);
    simulation.assert_idle();
}

#[test]
fn a9_credentials_go_to_their_origin_only() {
    for goes_to in
        ["https://evil.test/v1", "http://api.test/v1", "https://api.test:8443/v1", "https://api.test.evil/"]
    {
        let simulation = Simulation::new(1);
        let toy = Toy { goes_to, ..Toy::new() };
        let keys = ApiKeys::bearer(&[Secret::new("canary")]).unwrap();
        let error =
            simulation.run(Client::new(Http::new(toy, keys), simulation.lent()).complete("hi")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{goes_to}");
        assert!(simulation.network.requests().is_empty(), "nothing was sent");
    }
}

#[test]
fn a9_a_redirect_is_an_error_and_is_not_followed() {
    let simulation = Simulation::new(1);
    simulation.network.push(Reply::status(307).with_header("location", "https://evil.test/"));
    let keys = ApiKeys::bearer(&[Secret::new("canary")]).unwrap();
    let error = simulation.run(client(&simulation, keys).complete("hi")).unwrap_err();
    assert!(!error.to_string().contains("canary"));
    assert_eq!(simulation.network.requests().len(), 1);
}

#[test]
fn w12_neither_key_nor_prompt_comes_back_in_an_error() {
    let simulation = Simulation::new(1);
    let said = "key sk-canary is wrong, asked: the secret plan is to meet at noon";
    let reply = Reply { status: 401, ..Reply::default() }.with_bytes(said);
    simulation.network.push(reply);
    let keys = ApiKeys::bearer(&[Secret::new("sk-canary")]).unwrap();
    let error =
        simulation.run(client(&simulation, keys).complete("the secret plan is to meet at noon")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unauthorized: the provider refused the request [status 401]: key *** is wrong, asked: [request text]; \
         provider: toy; model: toy-1"
    );
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(error.attempts(), 1);
}

#[test]
fn a_refused_key_rests_while_another_is_there() {
    let simulation = Simulation::new(1);
    let keys = ApiKeys::bearer(&[Secret::new("one"), Secret::new("two")]).unwrap();
    let client = client(&simulation, keys);
    let used = |replies: &[u16]| {
        for status in replies {
            let reply = if *status == 200 { body("ok\n.\n") } else { Reply::status(*status) };
            simulation.network.push(reply);
            let _ = simulation.run(client.complete("hi"));
        }
        let requests = simulation.network.requests();
        let from = requests.len() - replies.len();
        let key =
            |r: &http::Request<Bytes>| r.headers()["authorization"].to_str().unwrap().replace("Bearer ", "");
        requests[from..].iter().map(key).collect::<Vec<_>>()
    };
    assert_eq!(used(&[200, 200, 401]), ["one", "two", "one"]);
    assert_eq!(used(&[200, 200]), ["two", "two"], "`one` rests");
    simulation.advance(crate::credentials::KEY_REST);
    assert_eq!(used(&[200, 200]), ["one", "two"]);
}

/// Credentials that are `t1`, `t2`, ..., one more for each that is refused; or the same for ever.
#[derive(Debug)]
struct Renewing {
    count: std::sync::atomic::AtomicU32,
    changes: bool,
}

#[async_trait]
impl Credentials for Renewing {
    async fn sign(&self, _: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        let count = self.count.load(std::sync::atomic::Ordering::Relaxed);
        let value = HeaderValue::from_str(&format!("t{count}")).unwrap();
        request.headers_mut().insert(http::header::AUTHORIZATION, value);
        Ok(())
    }

    fn refused(&self, _: &Context, _: &HeaderMap, _: &Error) -> bool {
        self.count.fetch_add(u32::from(self.changes), std::sync::atomic::Ordering::Relaxed);
        true
    }
}

#[test]
fn credentials_that_are_refused_are_renewed_once() {
    let go = |changes: bool, attempts: u32, statuses: &[u16]| {
        let simulation = Simulation::new(1);
        let client = client(&simulation, Renewing { count: 1.into(), changes });
        for status in statuses {
            let reply = if *status == 200 { body("ok\n.\n") } else { Reply::status(*status) };
            simulation.network.push(reply);
        }
        let options: Options = serde_json::from_value(serde_json::json!({ "attempts": attempts })).unwrap();
        let answer = simulation.run(client.complete(Request::from("hi").with_options(options)));
        let used = simulation.network.requests();
        let used = used.iter().map(|r| r.headers()["authorization"].to_str().unwrap().to_owned()).collect();
        let ends = |attempts: &[crate::context::Attempt]| attempts.iter().map(|a| a.status).collect();
        let ends: Vec<Option<u16>> = match &answer {
            Ok(answer) => ends(&answer.attempts),
            Err(error) => ends(error.history()),
        };
        (used, ends.into_iter().flatten().collect(), answer.map(|answer| answer.text()).map_err(|e| e.kind()))
    };
    type Went = (Vec<String>, Vec<u16>, Result<String, ErrorKind>);
    let expected = |used: &[&str], statuses: &[u16], answer: Result<&str, ErrorKind>| -> Went {
        (used.iter().map(|t| (*t).to_owned()).collect(), statuses.to_vec(), answer.map(str::to_owned))
    };
    let refused = Err(ErrorKind::Unauthorized);
    assert_eq!(go(true, 8, &[401, 200]), expected(&["t1", "t2"], &[401, 200], Ok("ok")));
    assert_eq!(go(true, 8, &[401, 401, 200]), expected(&["t1", "t2"], &[401, 401], refused));
    assert_eq!(go(true, 1, &[401, 200]), expected(&["t1"], &[401], refused), "no attempt is left");
    assert_eq!(go(false, 8, &[401, 200]), expected(&["t1"], &[401], refused), "the same as before");
    assert_eq!(go(true, 8, &[429, 200]), expected(&["t1"], &[429], Err(ErrorKind::RateLimited)));
}

#[test]
fn a_date_to_come_back_at_becomes_a_delay_and_the_past_becomes_now() {
    for (header, at_least, at_most) in [("far", 1, u64::MAX), ("past", 0, 0)] {
        let simulation = Simulation::new(1);
        simulation.network.push(Reply::status(429).with_header("retry-after", header));
        let error = simulation.run(client(&simulation, Anonymous).complete("hi")).unwrap_err();
        let delay = error.retry_after().unwrap().as_secs();
        assert!((at_least..=at_most).contains(&delay), "{header}: {delay}");
    }
}

#[test]
fn an_error_in_the_stream_keeps_what_came_before() {
    for (reply, kind) in [
        (body("one\ntwo\n!broken\nthree\n"), ErrorKind::Overloaded),
        (body("one\ntwo\n"), ErrorKind::Truncated),
        (body("one\ntwo\n").with(Piece::Error(Fault::Reset)), ErrorKind::Network),
    ] {
        let simulation = Simulation::new(1);
        simulation.network.push(reply);
        let client = client(&simulation, Anonymous);
        let error = simulation.run(async { client.stream("hi").await?.collect().await }).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.partial().unwrap().text(), "onetwo");
        simulation.assert_idle();
    }
}

#[test]
fn an_error_status_says_enough_when_its_body_breaks_or_is_too_long() {
    let long = "x".repeat(2 << 20);
    let broken = Reply::status(503).with_bytes("part").with(Piece::Error(Fault::Reset));
    for reply in [broken, Reply::status(503).with_bytes(long)] {
        let simulation = Simulation::new(1);
        simulation.network.push(reply);
        let error = simulation.run(client(&simulation, Anonymous).complete("hi")).unwrap_err();
        assert_eq!((error.kind(), error.provider().unwrap().status), (ErrorKind::Overloaded, Some(503)));
        simulation.assert_idle();
    }
}

#[test]
fn l1_l2_dropping_a_call_at_any_step_closes_the_connection() {
    let reply = || Reply {
        connect_after: Duration::from_secs(1).into(),
        head_after: Duration::from_secs(1).into(),
        ..body("one\n").with(Piece::Wait(Duration::from_secs(1).into())).with(Piece::Text("two\n.\n".into()))
    };
    for steps in 0..8 {
        let simulation = Simulation::new(1);
        simulation.network.push(reply());
        let client = client(&simulation, Anonymous);
        let mut task = crate::testing::Task::new(async { client.stream("hi").await?.collect().await });
        for _ in 0..steps {
            let _ = simulation.poll(&mut task);
            simulation.advance(Duration::from_millis(500));
        }
        drop(task);
        assert_eq!(simulation.network.open(), 0, "after {steps} half seconds");
        simulation.assert_idle();
    }
}

#[test]
fn extra_headers_are_sent_and_never_replace_the_credentials() {
    let simulation = Simulation::new(1);
    simulation.network.push(body("x\n.\n"));
    let keys = ApiKeys::bearer(&[Secret::new("right")]).unwrap();
    let mut options = Options { idempotency_key: Some("once".into()), ..Options::default() };
    options.headers.insert("x-team".into(), "blue".into());
    options.headers.insert("authorization".into(), "Bearer wrong".into());
    simulation.run(client(&simulation, keys).complete(Request::from("hi").with_options(options))).unwrap();
    let sent = simulation.network.requests().remove(0);
    assert_eq!(sent.headers()["x-team"], "blue");
    assert_eq!(sent.headers()["idempotency-key"], "once");
    assert_eq!(sent.headers().get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer right"]);
    let mut bad = Options::default();
    bad.headers.insert("x-team".into(), "blue\r\nx-injected: canary".into());
    let error = simulation
        .run(client(&simulation, Anonymous).complete(Request::from("hi").with_options(bad)))
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 0), "nothing was sent");
    assert!(error.to_string().contains("x-team") && !error.to_string().contains("canary"));
}

#[test]
fn raw_frames_stand_before_their_events() {
    let simulation = Simulation::new(1);
    simulation.network.push(body("one\n.\n"));
    let client = client(&simulation, Anonymous);
    let options = Options { raw: true, ..Options::default() };
    let names = simulation.run(async {
        let stream = client.stream(Request::from("hi").with_options(options)).await.unwrap();
        stream.map(|event| event.unwrap().name()).collect::<Vec<_>>().await
    });
    assert_eq!(names, ["raw", "start", "text", "raw", "part_end", "finish"]);
}

#[test]
fn each_attempt_is_entered_with_its_end() {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let keep = seen.clone();
    let simulation = Simulation::new(1);
    simulation.network.push(body("one\n").with(Piece::Stall(true)));
    let client =
        client(&simulation, Anonymous).layer(crate::layer::layer_fn("keep", move |cx, request, next| {
            *keep.lock().unwrap() = Some(cx.call.clone());
            async move { next.call(cx, request).await }
        }));
    let stream = simulation.run(client.stream("hi")).unwrap();
    let call = seen.lock().unwrap().take().unwrap();
    assert_eq!(call.attempts()[0].end, None);
    drop(stream);
    let attempt = call.attempts().remove(0);
    assert_eq!(
        (attempt.provider.as_str(), attempt.end, attempt.status),
        ("toy", Some(EndKind::Cancelled), Some(200))
    );
}
