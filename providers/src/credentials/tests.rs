//! Tokens on virtual time, over a scripted network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use belvedere_core::credentials::{Credentials, KEY_REST, Secret};
use belvedere_core::error::{Category, Error, ErrorKind};
use belvedere_core::testing::{Delay, Reply, Simulation, Task};
use bytes::Bytes;
use http::header::AUTHORIZATION;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// What a request was signed with.
async fn sign(token: &Token, simulation: &Simulation) -> Result<String, Error> {
    let mut request = http::Request::new(Bytes::new());
    token.sign(&simulation.context(), &mut request).await?;
    let value = request.headers().get(AUTHORIZATION).unwrap();
    assert!(value.is_sensitive());
    Ok(value.to_str().unwrap().to_owned())
}

/// Tokens `t1`, `t2`, ..., each of this life.
fn counting(life: Option<Duration>) -> (Token, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let token = Token::from_fn(move |_| {
        let n = counted.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(AccessToken { secret: Secret::new(format!("t{n}")), life }) }
    });
    (token, count)
}

fn granted(token: &str, seconds: u32) -> Reply {
    let body = format!(r#"{{"access_token": "{token}", "expires_in": {seconds}, "token_type": "Bearer"}}"#);
    Reply::ok("application/json", body)
}

/// A reply whose head comes this late.
fn late(after: impl Into<Delay>, mut reply: Reply) -> Reply {
    reply.head_after = after.into();
    reply
}

fn client() -> Token {
    let oauth = OAuth::client_credentials("https://login.test/token", "me", Secret::new("canary"));
    Token::new(oauth.unwrap().with_scope("all"))
}

fn refuse(token: &Token, simulation: &Simulation, value: &str, kind: ErrorKind) {
    let mut headers = http::HeaderMap::new();
    headers.insert(AUTHORIZATION, value.parse().unwrap());
    token.refused(&simulation.context(), &headers, &Error::new(kind, "no"));
}

#[test]
fn a_token_is_kept_until_a_minute_before_its_end() {
    let simulation = Simulation::new(1);
    let (token, count) = counting(Some(3600 * SECOND));
    let signed = |expected: &str| {
        assert_eq!(simulation.run(sign(&token, &simulation)).unwrap(), format!("Bearer {expected}"));
    };
    signed("t1");
    simulation.clock.advance(3539 * SECOND);
    signed("t1");
    simulation.clock.advance(SECOND);
    signed("t2");
    // Suspend counts: a token runs out while a machine sleeps.
    simulation.clock.suspend(3540 * SECOND);
    signed("t3");
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[test]
fn a_short_life_is_used_by_half_and_an_unknown_one_to_the_end() {
    let simulation = Simulation::new(1);
    let (short, _) = counting(Some(30 * SECOND));
    let (unknown, _) = counting(None);
    for (at, expected) in [(0, "t1"), (14, "t1"), (1, "t2")] {
        simulation.clock.advance(at * SECOND);
        assert_eq!(simulation.run(sign(&short, &simulation)).unwrap(), format!("Bearer {expected}"));
    }
    assert_eq!(simulation.run(sign(&unknown, &simulation)).unwrap(), "Bearer t1");
    simulation.clock.advance(1_000_000 * SECOND);
    assert_eq!(simulation.run(sign(&unknown, &simulation)).unwrap(), "Bearer t1");
}

#[test]
fn concurrent_callers_share_one_question() {
    let simulation = Simulation::new(1);
    simulation.network.push(late(2 * SECOND, granted("a", 3600)));
    let token = client();
    let mut tasks: Vec<_> = (0..3).map(|_| Task::new(sign(&token, &simulation))).collect();
    assert!(tasks.iter_mut().all(|task| simulation.poll(task).is_pending()));
    simulation.advance(2 * SECOND);
    for task in &mut tasks {
        assert!(matches!(simulation.poll(task), Poll::Ready(Ok(value)) if value == "Bearer a"));
    }
    assert_eq!(simulation.network.requests().len(), 1);
    drop(tasks);
    simulation.assert_idle();
}

#[test]
fn a_cancelled_asker_hangs_nobody() {
    let simulation = Simulation::new(1);
    simulation.network.push(late(Delay::Never, granted("a", 3600)));
    simulation.network.push(granted("b", 3600));
    let token = client();
    let mut first = Task::new(sign(&token, &simulation));
    let mut second = Task::new(sign(&token, &simulation));
    let mut third = Task::new(sign(&token, &simulation));
    assert!(simulation.poll(&mut first).is_pending());
    assert!(simulation.poll(&mut second).is_pending());
    assert!(simulation.poll(&mut third).is_pending());
    drop(first);
    for task in [&mut second, &mut third] {
        assert!(matches!(simulation.poll(task), Poll::Ready(Ok(value)) if value == "Bearer b"));
    }
    assert_eq!((simulation.network.requests().len(), simulation.network.aborted()), (2, 1));
    drop((second, third));
    simulation.assert_idle();
}

#[test]
fn a_failure_is_shared_by_those_who_waited_and_asked_anew_later() {
    let simulation = Simulation::new(1);
    simulation.network.push(late(SECOND, Reply::status(503)));
    simulation.network.push(granted("a", 3600));
    let token = client();
    let mut tasks: Vec<_> = (0..3).map(|_| Task::new(sign(&token, &simulation))).collect();
    assert!(tasks.iter_mut().all(|task| simulation.poll(task).is_pending()));
    simulation.advance(SECOND);
    for task in &mut tasks {
        assert!(
            matches!(simulation.poll(task), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Overloaded)
        );
    }
    assert_eq!(simulation.network.requests().len(), 1);
    drop(tasks);
    assert_eq!(simulation.run(sign(&token, &simulation)).unwrap(), "Bearer a");
}

#[test]
fn an_old_token_serves_while_it_holds_and_the_fault_may_pass() {
    let simulation = Simulation::new(1);
    for reply in [granted("a", 3600), Reply::status(500), Reply::status(400), Reply::status(500)] {
        simulation.network.push(reply);
    }
    let token = client();
    let next = || simulation.run(sign(&token, &simulation)).map_err(|error| error.kind());
    assert_eq!(next().unwrap(), "Bearer a");
    simulation.clock.advance(3550 * SECOND);
    assert_eq!(next().unwrap(), "Bearer a");
    assert_eq!(next().unwrap_err(), ErrorKind::Unauthorized);
    simulation.clock.advance(50 * SECOND);
    assert_eq!(next().unwrap_err(), ErrorKind::Overloaded);
}

#[test]
fn a_refused_token_is_renewed_once() {
    let simulation = Simulation::new(1);
    let (token, count) = counting(Some(3600 * SECOND));
    let signed = || simulation.run(sign(&token, &simulation)).unwrap();
    assert_eq!(signed(), "Bearer t1");
    refuse(&token, &simulation, "Bearer t1", ErrorKind::RateLimited);
    assert_eq!(signed(), "Bearer t1", "a rate limit is not the token's fault");
    refuse(&token, &simulation, "Bearer t1", ErrorKind::Unauthorized);
    assert_eq!(signed(), "Bearer t2");
    refuse(&token, &simulation, "Bearer t1", ErrorKind::Unauthorized);
    assert_eq!(signed(), "Bearer t2", "a call that began with the old one changes nothing");
    refuse(&token, &simulation, "Bearer t2", ErrorKind::Unauthorized);
    assert_eq!(signed(), "Bearer t2", "a new token that is refused, too, is not replaced at once");
    simulation.clock.advance(KEY_REST);
    refuse(&token, &simulation, "Bearer t2", ErrorKind::Unauthorized);
    assert_eq!(signed(), "Bearer t3");
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[test]
fn client_credentials_are_asked_for_as_the_rfc_says() {
    let simulation = Simulation::new(1);
    simulation.network.push(granted("a", 3600));
    let entra = OAuth::entra_id("contoso.example", "me", Secret::new("canary")).unwrap();
    assert_eq!(simulation.run(sign(&Token::new(entra), &simulation)).unwrap(), "Bearer a");
    let sent = simulation.network.requests().remove(0);
    assert_eq!(sent.method(), http::Method::POST);
    assert_eq!(sent.uri(), "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
    assert_eq!(sent.headers()["content-type"], "application/x-www-form-urlencoded");
    let body = "grant_type=client_credentials&client_id=me&client_secret=canary\
        &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default";
    assert_eq!(sent.body(), body);
    assert!(OAuth::entra_id("a/b", "me", Secret::new("x")).unwrap_err().message().starts_with("tenant_id: "));
}

#[test]
fn a_refresh_token_that_changes_is_kept() {
    let simulation = Simulation::new(1);
    simulation.network.push(Reply::ok("application/json", r#"{"access_token": "a", "refresh_token": "r2"}"#));
    simulation.network.push(Reply::ok("application/json", r#"{"access_token": "b"}"#));
    let oauth = OAuth::refresh_token("https://login.test/token", "me", None, Secret::new("r1")).unwrap();
    let token = Token::new(oauth);
    assert_eq!(simulation.run(sign(&token, &simulation)).unwrap(), "Bearer a");
    refuse(&token, &simulation, "Bearer a", ErrorKind::Unauthorized);
    assert_eq!(simulation.run(sign(&token, &simulation)).unwrap(), "Bearer b");
    let bodies: Vec<_> = simulation.network.requests().iter().map(|r| r.body().clone()).collect();
    let with = |token: &str| format!("grant_type=refresh_token&refresh_token={token}&client_id=me");
    assert_eq!(bodies, [with("r1"), with("r2")]);
}

#[test]
fn a_failing_token_endpoint_says_what_to_do_and_shows_no_secret() {
    let fail = |reply: Reply| {
        let simulation = Simulation::new(1);
        simulation.network.push(reply);
        simulation.run(sign(&client(), &simulation)).unwrap_err()
    };
    let json = |status: u16, body: &str| {
        Reply::status(status).with_header("content-type", "application/json").with_bytes(body.to_owned())
    };
    let refused =
        fail(json(401, r#"{"error": "invalid_client", "error_description": "unknown secret canary"}"#));
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);
    assert_eq!(refused.provider().unwrap().code.as_deref(), Some("invalid_client"));
    assert_eq!(refused.provider().unwrap().message, None, "what repeats the secret is not quoted");
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("check client_id") && text.contains("https://login.test"), "{text}");
    assert!(!text.contains("canary"), "{text}");

    let limited = fail(json(429, "{}").with_header("retry-after", "Thu, 01 Jan 2026 00:00:09 GMT"));
    assert_eq!((limited.kind(), limited.retry_after()), (ErrorKind::RateLimited, Some(9 * SECOND)));
    let busy = fail(json(400, r#"{"error": "temporarily_unavailable"}"#));
    assert_eq!(busy.category(), Category::Transient);
    assert_eq!(fail(json(502, "<html>")).kind(), ErrorKind::Overloaded);
    assert_eq!(fail(json(200, "<html>")).kind(), ErrorKind::Malformed);
    assert_eq!(fail(json(302, "")).kind(), ErrorKind::Unauthorized);
    let long = fail(Reply::ok("application/json", vec![b' '; (1 << 20) + 1]));
    assert_eq!(long.kind(), ErrorKind::Malformed);
}

#[test]
fn copilot_exchanges_a_github_token_for_one_that_ends_at_a_date() {
    let simulation = Simulation::new(1);
    // The wall clock begins at 1767225600.
    let answer = |token: &str, at: u64| {
        Reply::ok(
            "application/json",
            format!(r#"{{"token": "{token}", "expires_at": {at}, "refresh_in": 1500}}"#),
        )
    };
    simulation.network.push(answer("c1", 1_767_225_600 + 1800));
    simulation.network.push(answer("c2", 1_767_225_600 + 3600));
    let token = Token::new(Copilot::new(Secret::new("gho_canary")));
    let signed = || simulation.run(sign(&token, &simulation)).unwrap();
    assert_eq!(signed(), "Bearer c1");
    simulation.clock.advance(1739 * SECOND);
    assert_eq!(signed(), "Bearer c1");
    simulation.clock.advance(SECOND);
    assert_eq!(signed(), "Bearer c2");
    let sent = simulation.network.requests().remove(0);
    assert_eq!(sent.uri(), "https://api.github.com/copilot_internal/v2/token");
    assert_eq!(sent.headers()["authorization"], "token gho_canary");
    assert!(!format!("{token:?}").contains("canary"));
}

#[test]
fn google_knows_users_and_machines() {
    let simulation = Simulation::new(1);
    simulation.network.push(granted("user", 3599));
    simulation.network.push(granted("machine", 3599));
    let document = r#"{"type": "authorized_user", "client_id": "me", "client_secret": "s",
        "refresh_token": "r", "quota_project_id": "payer"}"#;
    let user = Google::from_document(&Secret::new(document)).unwrap();
    assert_eq!(user.quota_project.as_deref(), Some("payer"));
    assert_eq!(simulation.run(sign(&Token::new(user), &simulation)).unwrap(), "Bearer user");
    let machine = Token::new(Google::metadata());
    assert_eq!(simulation.run(sign(&machine, &simulation)).unwrap(), "Bearer machine");
    let requests = simulation.network.requests();
    assert_eq!(requests[0].uri(), "https://oauth2.googleapis.com/token");
    assert_eq!(requests[0].body(), "grant_type=refresh_token&refresh_token=r&client_id=me&client_secret=s");
    assert_eq!(requests[1].uri().host(), Some("metadata.google.internal"));
    assert_eq!(requests[1].headers()["metadata-flavor"], "Google");
}

#[test]
fn a_document_that_is_no_key_is_refused_by_field() {
    let fault = |text: &str| Google::from_document(&Secret::new(text)).unwrap_err().message().to_owned();
    assert_eq!(fault("canary"), "the key document: is not JSON of a key");
    assert_eq!(fault(r#"{"type": "authorized_user"}"#), "the key document: client_id is missing");
    assert!(fault(r#"{"type": "external_account"}"#).contains("its type must be"));
}

#[cfg(feature = "service_account")]
#[test]
fn a_service_account_sends_its_claim() {
    let simulation = Simulation::new(1);
    simulation.network.push(granted("a", 3599));
    let document = serde_json::json!({
        "type": "service_account",
        "project_id": "my-project",
        "client_email": "robot@my-project.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": include_str!("rfc7515_a2.pem"),
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    let google = Google::from_document(&Secret::new(document.to_string())).unwrap();
    assert_eq!(google.project.as_deref(), Some("my-project"));
    assert_eq!(simulation.run(sign(&Token::new(google), &simulation)).unwrap(), "Bearer a");
    let sent = simulation.network.requests().remove(0);
    assert_eq!(sent.uri(), "https://oauth2.googleapis.com/token");
    let body = String::from_utf8(sent.body().to_vec()).unwrap();
    let start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    assert_eq!(body.strip_prefix(start).unwrap().split('.').count(), 3);
}
