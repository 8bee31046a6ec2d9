//! Requests in, responses out: the server's own paths, and those of the wires.

use std::sync::Arc;

use belvedere_core::config::Config;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::Error;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::{Value, json};

use super::Body;
use super::body::Played;
use super::flight::Flight;
use super::paths;
use super::plan::Plan;
use super::script::{self, Failure, Script, Seen, Step};
use super::socket::Link;
use super::state::State;

/// The longest request body that is read: media come in base64.
const LONGEST: usize = 64 << 20;

/// Answers one request.
pub(super) async fn answer(state: Arc<State>, link: Arc<Link>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let of_wire = !matches!(path.as_str(), "/stats" | "/stats/reset" | "/script");
    let flight = of_wire.then(|| Flight::new(state.clone(), head.method.clone(), path.clone()));
    let version = head.version;
    let plan = match Limited::new(body, LONGEST).collect().await {
        Ok(body) => {
            let request = Request::from_parts(head, body.to_bytes());
            match flight {
                Some(flight) => {
                    state.keep(&request);
                    Some(planned(&state, flight, &request))
                }
                None => return own(&state, &request),
            }
        }
        // A client that goes away in the middle of its request gets no answer.
        Err(_) => flight.map(|flight| (flight, Plan::plain(too_long()), Step::default())),
    };
    match plan {
        Some((flight, plan, step)) => play(&state, link, flight, plan, (version, step)).await,
        None => whole(too_long()),
    }
}

/// Finds the wire, the step and the answer.
fn planned(state: &State, mut flight: Flight, request: &Request<Bytes>) -> (Flight, Plan, Step) {
    let path = request.uri().path();
    let Some(endpoint) = find(&state.endpoints, request.method(), path, request.headers()) else {
        let response = unknown(state, request.method(), path);
        return (flight, Plan::plain(response), Step::default());
    };
    flight.wire(endpoint.wire());
    let asked = match endpoint.request(request) {
        Ok(asked) => asked,
        Err(error) => return (flight, Plan::plain(endpoint.error(&error)), Step::default()),
    };
    let seen = Seen { wire: endpoint.wire(), path, headers: request.headers(), request: &asked };
    let (at, step) = state.take(seen);
    flight.served(asked.model.as_deref(), at);
    let plan = match &step.error {
        Some(failure) => Plan::error(failed(state, &**endpoint, failure), &step),
        None => Plan::answer(&**endpoint, &asked, &step),
    };
    (flight, plan, step)
}

/// The endpoint of a request. Where two have the same path, the header of Anthropic's clients decides.
fn find<'a>(
    endpoints: &'a [Arc<dyn Endpoint>],
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<&'a Arc<dyn Endpoint>> {
    let anthropic = headers.contains_key("anthropic-version");
    let accepting = || endpoints.iter().filter(|endpoint| endpoint.accepts(method, path));
    let preferred = accepting().find(|endpoint| endpoint.wire().starts_with("anthropic.") == anthropic);
    preferred.or_else(|| accepting().next())
}

async fn play(
    state: &Arc<State>,
    link: Arc<Link>,
    mut flight: Flight,
    plan: Plan,
    (version, step): (Version, Step),
) -> Response<Body> {
    if !plan.latency.is_zero() {
        state.clock.sleep(plan.latency).await;
    }
    flight.head(plan.head.status);
    // With HTTP/2 a response is one stream of many: it is reset, and not the connection.
    let link = (version != Version::HTTP_2).then_some(link);
    if let Some(link) = link.as_ref().filter(|_| !step.timing.head_byte.is_zero()) {
        link.slow_head(step.timing.head_byte);
    }
    let mut head = plan.head;
    // What is left of the length that the wire wrote down may be wrong by now.
    head.headers.remove(http::header::CONTENT_LENGTH);
    let body = Played::new(plan.acts, plan.keep_alive, plan.length, (flight, link, state.clock.clone()));
    Response::from_parts(head, body.boxed_unsync())
}

/// The error that a step asks for: the wire's own, with another body or header where the script says so.
fn failed(state: &State, endpoint: &dyn Endpoint, failure: &Failure) -> Response<Bytes> {
    let mut response = endpoint.error(&failure.error());
    if let Ok(status) = StatusCode::from_u16(failure.status) {
        *response.status_mut() = status;
    }
    let kind = match &failure.body {
        script::Body::Wire => None,
        script::Body::Empty => Some(("text/plain", String::new())),
        script::Body::Html => Some(("text/html; charset=utf-8", page(failure.status))),
        script::Body::Text(text) => Some(("text/plain; charset=utf-8", text.clone())),
        script::Body::Json(value) => Some(("application/json", value.to_string())),
    };
    if let Some((kind, body)) = kind {
        set(response.headers_mut(), "content-type", kind);
        *response.body_mut() = Bytes::from(body);
    }
    response.headers_mut().remove("retry-after");
    response.headers_mut().remove("retry-after-ms");
    if let Some((name, value)) = failure.retry_header(state.clock.wall()) {
        set(response.headers_mut(), name, &value);
    }
    response
}

/// What a proxy in front of a provider says.
fn page(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let title = format!("{status} {}", reason.unwrap_or("Error"));
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The server's own paths.
fn own(state: &State, request: &Request<Bytes>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/stats") => whole(json_of(StatusCode::OK, &*state.stats.borrow())),
        (&Method::POST, "/stats/reset") => {
            state.stats.send_modify(super::Stats::reset);
            whole(json_of(StatusCode::OK, &*state.stats.borrow()))
        }
        (&Method::GET, "/script") => whole(json_of(StatusCode::OK, &state.script())),
        (&Method::POST | &Method::PUT, "/script") => match read(request.body()) {
            Ok(script) => {
                let steps = script.steps.len();
                state.play(script);
                whole(json_of(StatusCode::OK, &json!({"steps": steps})))
            }
            Err(error) => whole(own_error(StatusCode::BAD_REQUEST, error.message())),
        },
        (method, path) => {
            let what = format!("{method} {path}: this path takes {}", paths::methods(path));
            whole(own_error(StatusCode::METHOD_NOT_ALLOWED, &what))
        }
    }
}

/// A script as JSON, or as YAML where that is built in.
fn read(body: &Bytes) -> Result<Script, Error> {
    let text = String::from_utf8_lossy(body);
    #[cfg(feature = "yaml")]
    if !text.trim_start().starts_with('{') {
        return Script::from_config(&Config::from_yaml(&text)?);
    }
    Script::from_config(&Config::from_json(&text)?)
}

/// A path that nobody has here: the error says which there are.
fn unknown(state: &State, method: &Method, path: &str) -> Response<Bytes> {
    let mut known: Vec<&str> = paths::of(&state.endpoints).map(|(_, path)| path).collect();
    known.sort_unstable();
    known.dedup();
    let what = format!("{method} {path} is no path of this server; it knows {}", known.join(", "));
    let mut body = own_error_body(&what);
    if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
        error.insert("paths".to_owned(), json!(known));
    }
    json_of(StatusCode::NOT_FOUND, &body)
}

fn too_long() -> Response<Bytes> {
    own_error(StatusCode::PAYLOAD_TOO_LARGE, &format!("the request is longer than {} MiB", LONGEST >> 20))
}

/// Of the form that OpenAI's and Anthropic's clients both read.
fn own_error_body(what: &str) -> Value {
    json!({"type": "error", "error": {"type": "mock_server_error", "message": what, "param": null, "code": null}})
}

fn own_error(status: StatusCode, what: &str) -> Response<Bytes> {
    json_of(status, &own_error_body(what))
}

fn json_of(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        headers.insert(name, value);
    }
}

fn whole(response: Response<Bytes>) -> Response<Body> {
    response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())
}
