//! The vectors that AWS published with its Signature Version 4 test suite and documentation, and what signing has
//! to keep besides.

use belvedere_core::testing::{Piece, Reply, ScriptedTransport, Simulation};

use super::super::metadata::{Container, InstanceMetadata};
use super::super::{Auth, Sources};
use super::*;

const ACCESS: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 30 August 2015, 12:36:00, in seconds.
const NOON: u64 = 1_440_938_160;

fn suite_keys() -> AwsKeys {
    AwsKeys::new(ACCESS, Secret::new(SECRET))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn signed(keys: &AwsKeys, service: &str, request: http::request::Builder, body: &'static str) -> HeaderMap {
    let mut request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
    sign(keys, &Scope { region: "us-east-1", service }, at(NOON), &mut request).unwrap();
    request.headers().clone()
}

fn authorization(headers: &HeaderMap) -> &str {
    headers[AUTHORIZATION].to_str().unwrap()
}

fn assert_signed(headers: &HeaderMap, service: &str, names: &str, signature: &str) {
    let place = format!("{ACCESS}/20150830/us-east-1/{service}/aws4_request");
    let expected = format!("{ALGORITHM} Credential={place}, SignedHeaders={names}, Signature={signature}");
    assert_eq!(authorization(headers), expected);
}

/// `get-vanilla`, `post-vanilla`, `get-vanilla-query-order-key-case`, `post-x-www-form-urlencoded`.
#[test]
fn the_test_suites_requests_have_its_signatures() {
    let home = "https://example.amazonaws.com/";
    let keys = suite_keys();
    let get = signed(&keys, "service", http::Request::get(home), "");
    let plain = "host;x-amz-date";
    assert_signed(&get, "service", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    assert_eq!(get[DATE], "20150830T123600Z");
    let post = signed(&keys, "service", http::Request::post(home), "");
    assert_signed(
        &post,
        "service",
        plain,
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    let query = format!("{home}?Param2=value2&Param1=value1");
    let query = signed(&keys, "service", http::Request::get(query), "");
    assert_signed(
        &query,
        "service",
        plain,
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    let form = http::Request::post(home).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let form = signed(&keys, "service", form, "Param1=value1");
    let names = "content-type;host;x-amz-date";
    assert_signed(
        &form,
        "service",
        names,
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
}

/// `post-sts-header-before`: the token is signed, too.
#[test]
fn a_sessions_token_is_signed() {
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo\
                 IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSX\
                 Dvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fP\
                 OLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let keys = suite_keys().with_session_token(Secret::new(token));
    let post = signed(&keys, "service", http::Request::post("https://example.amazonaws.com/"), "");
    let names = "host;x-amz-date;x-amz-security-token";
    assert_signed(
        &post,
        "service",
        names,
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    );
    assert!(post[TOKEN].is_sensitive() && post[AUTHORIZATION].is_sensitive());
}

/// The example of the documentation, "Create a signed AWS API request": IAM's `ListUsers`.
#[test]
fn the_documentations_request_has_its_signature() {
    let get = http::Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
    let get = signed(&suite_keys(), "iam", get, "");
    let names = "content-type;host;x-amz-date";
    assert_signed(&get, "iam", names, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    let key = key(&Secret::new(SECRET), "20150830", &Scope { region: "us-east-1", service: "iam" }).unwrap();
    assert_eq!(hex(&*key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

#[test]
fn the_canonical_request_is_escaped_sorted_and_plain() {
    let request = http::Request::post("http://localhost:4566/model/a.b-v1%3A0/converse?b=2&a=%20&a")
        .header("accept", "x")
        .header("x-amz-b", "  one   two ")
        .header("x-amz-b", "three")
        .body(Bytes::new())
        .unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let (text, names) = canonical(&request);
    assert_eq!(
        text,
        format!(
            "POST\n/model/a.b-v1%253A0/converse\na=&a=%20&b=2\nhost:localhost:4566\nx-amz-b:one two,three\n\n\
             host;x-amz-b\n{empty}"
        )
    );
    assert_eq!(names, "host;x-amz-b");
}

#[test]
fn signing_again_replaces_what_was_signed() {
    let mut request = http::Request::post("https://example.amazonaws.com/").body(Bytes::new()).unwrap();
    let scope = Scope { region: "us-east-1", service: "service" };
    let old = suite_keys().with_session_token(Secret::new("old"));
    sign(&old, &scope, at(NOON - 1), &mut request).unwrap();
    sign(&suite_keys(), &scope, at(NOON), &mut request).unwrap();
    let names = "host;x-amz-date";
    let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    assert_signed(request.headers(), "service", names, post);
}

#[test]
fn w12_keys_do_not_print() {
    let keys = AwsKeys::new("AKID", Secret::new("canary")).with_session_token(Secret::new("canary"));
    let signer = SigV4::new("us-east-1", keys);
    assert!(!format!("{signer:?}").contains("canary"), "{signer:?}");
    let bad = AwsKeys::new("AKID", Secret::new("x")).with_session_token(Secret::new("cana\nry"));
    let mut request = http::Request::new(Bytes::new());
    let error = sign(&bad, &Scope { region: "r", service: "s" }, at(NOON), &mut request).unwrap_err();
    assert!(!format!("{error:?}{error}").contains("cana"), "{error:?}");
}

/// A machine with a network that plays `replies`, and the moment its wall clock shows.
fn machine(replies: impl IntoIterator<Item = Reply>) -> Simulation {
    let simulation = Simulation::new(1);
    replies.into_iter().for_each(|reply| simulation.network.push(reply));
    simulation
}

fn lent_keys(id: &str, end: SystemTime) -> Reply {
    let end = humantime::format_rfc3339_seconds(end);
    let body = serde_json::json!({
        "Code": "Success", "AccessKeyId": id, "SecretAccessKey": "s", "Token": "t", "Expiration": end.to_string()
    });
    Reply::ok("application/json", body.to_string())
}

/// Signs one request; what the access key was.
fn sign_with(machine: &Simulation, signer: &dyn Credentials) -> Result<(String, HeaderMap)> {
    let mut request = http::Request::post("https://b.example/").body(Bytes::new()).unwrap();
    machine.run(signer.sign(&machine.context(), &mut request))?;
    let text = authorization(request.headers());
    let id = text.split_once('=').unwrap().1.split('/').next().unwrap().to_owned();
    Ok((id, request.headers().clone()))
}

fn paths(network: &ScriptedTransport) -> Vec<String> {
    network.requests().iter().map(|r| format!("{} {}", r.method(), r.uri())).collect()
}

#[test]
fn an_instance_lends_keys_that_are_kept_and_renewed_in_time() {
    let clock = Simulation::new(1).clock;
    let wall = belvedere_core::clock::Clock::wall(&clock);
    let hour = Duration::from_secs(3600);
    let round =
        |id, end| [Reply::ok("text/plain", "tok"), Reply::ok("text/plain", "my-role\n"), lent_keys(id, end)];
    let first = round("A1", wall + hour);
    let second = round("A2", wall + 2 * hour);
    let machine = machine(first.into_iter().chain(second));
    let signer = SigV4::new("us-east-1", InstanceMetadata::default());
    let (id, headers) = sign_with(&machine, &signer).unwrap();
    assert_eq!((id.as_str(), &headers[TOKEN]), ("A1", &HeaderValue::from_static("t")));
    let service = "http://169.254.169.254/latest";
    assert_eq!(
        paths(&machine.network),
        [
            format!("PUT {service}/api/token"),
            format!("GET {service}/meta-data/iam/security-credentials/"),
            format!("GET {service}/meta-data/iam/security-credentials/my-role"),
        ]
    );
    let sent = machine.network.requests();
    assert_eq!(sent[0].headers()["x-aws-ec2-metadata-token-ttl-seconds"], "21600");
    assert_eq!(sent[2].headers()["x-aws-ec2-metadata-token"], "tok");
    machine.advance(hour - SKEW - Duration::from_secs(1));
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A1");
    machine.advance(Duration::from_secs(1));
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A2");
    assert_eq!(machine.network.requests().len(), 6);
}

#[test]
fn old_keys_serve_while_they_hold_and_no_new_ones_are_to_be_had() {
    let wall = belvedere_core::clock::Clock::wall(&Simulation::new(1).clock);
    let soon = Duration::from_secs(60);
    let env = |name: &str| (name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").then(|| "/v2/x".to_owned());
    let machine = machine([lent_keys("A1", wall + soon), Reply::status(500), Reply::status(500)]);
    let signer = SigV4::new("us-east-1", Container::from_env(env).unwrap().unwrap());
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A1");
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A1");
    machine.advance(soon);
    assert_eq!(sign_with(&machine, &signer).unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(paths(&machine.network), ["GET http://169.254.170.2/v2/x"; 3]);
}

#[test]
fn keys_that_are_refused_are_fetched_anew() {
    let env = |name: &str| (name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").then(|| "/x".to_owned());
    let wall = belvedere_core::clock::Clock::wall(&Simulation::new(1).clock) + 10 * SKEW;
    let machine = machine([lent_keys("A1", wall), lent_keys("A2", wall)]);
    let signer = SigV4::new("us-east-1", Container::from_env(env).unwrap().unwrap());
    let (_, headers) = sign_with(&machine, &signer).unwrap();
    signer.refused(&machine.context(), &headers, &Error::new(ErrorKind::Forbidden, "not those"));
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A1");
    signer.refused(&machine.context(), &headers, &Error::new(ErrorKind::Unauthorized, "expired"));
    assert_eq!(sign_with(&machine, &signer).unwrap().0, "A2");
}

#[test]
fn the_environment_says_where_keys_are() {
    let found = |vars: &[(&str, &str)], replies: Vec<Reply>| {
        let vars: Vec<(String, String)> = vars.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        let env = |name: &str| vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let machine = machine(replies);
        let signed = Auth::from_env("us-east-1", env).and_then(|auth| sign_with_any(&machine, &auth));
        (signed, machine.network.requests())
    };
    let text = |signed: Result<HeaderMap>| authorization(&signed.unwrap()).to_owned();
    let keys = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    assert!(text(found(&keys, vec![]).0).contains("Credential=AK/"));
    let bearer = [keys.to_vec(), vec![("AWS_BEARER_TOKEN_BEDROCK", "key")]].concat();
    assert_eq!(text(found(&bearer, vec![]).0), "Bearer key");

    let wall = at(4_000_000_000);
    let full = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    let pod = [full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok")];
    let (signed, asked) = found(&pod, vec![lent_keys("POD", wall)]);
    assert!(text(signed).contains("Credential=POD/"));
    assert_eq!(
        (asked[0].uri().to_string().as_str(), &asked[0].headers()[AUTHORIZATION]),
        (full.1, &"tok".parse().unwrap())
    );
    for bad in ["http://evil.example/", "/relative", "not an address"] {
        let (refused, _) = found(&[(full.0, bad)], vec![]);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad}");
    }

    let (none, asked) = found(&[("AWS_EC2_METADATA_DISABLED", "true")], vec![]);
    assert!(none.unwrap_err().message().contains("AWS_ACCESS_KEY_ID") && asked.is_empty());
}

fn sign_with_any(machine: &Simulation, auth: &Auth) -> Result<HeaderMap> {
    let mut request = http::Request::post("https://b.example/").body(Bytes::new()).unwrap();
    machine.run(auth.sign(&machine.context(), &mut request))?;
    Ok(request.headers().clone())
}

#[test]
fn a_machine_that_is_not_on_aws_is_told_so() {
    let mut stalls = Reply::default();
    stalls.head_after = belvedere_core::testing::Delay::Never;
    for reply in [stalls, Reply::status(404), Reply::ok("text/plain", "").with(Piece::Stall(true))] {
        let machine = machine([reply]);
        let signer = SigV4::new("us-east-1", Sources::from_env(|_| None).unwrap());
        let error = sign_with(&machine, &signer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(error.message().contains("AWS_ACCESS_KEY_ID"), "{error}");
        assert_eq!(machine.network.open(), 0);
    }
    let machine = machine([Reply::ok("application/json", "x".repeat(100_000))]);
    let env = |name: &str| (name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").then(|| "/x".to_owned());
    let signer = SigV4::new("us-east-1", Container::from_env(env).unwrap().unwrap());
    assert_eq!(sign_with(&machine, &signer).unwrap_err().kind(), ErrorKind::Malformed);
}
