//! Who owns retries, and how many there may be.

use belvedere_core::error::Status;
use serde_json::json;

use super::*;

#[test]
fn w6_it_makes_as_many_attempts_as_it_may_and_no_more() {
    for attempts in 1..=8_u32 {
        let service = ScriptedService::always(failing(ErrorKind::Network));
        let outcome = go(retry(json!({ "attempts": attempts })), service.clone());
        assert_eq!(service.calls(), attempts as usize);
        let status = if attempts == 1 { Status::Temporary } else { Status::Persistent };
        assert_eq!(outcome.error().status(), status, "whoever retries has given up");
    }
}

#[test]
fn w6_the_attempts_of_the_call_are_one_bound_for_all() {
    for allowed in 1..=4_u32 {
        let mut options = Options::default();
        options.attempts = Some(allowed.try_into().unwrap());
        let service = ScriptedService::always(failing(ErrorKind::Network));
        let five = retry(json!({ "attempts": 5 }));
        let outcome = go_with(&Simulation::new(1), five, service.clone(), options);
        assert_eq!(service.calls(), allowed as usize);
        assert!(outcome.error().to_string().contains("the attempts of the call are used up"));
    }
}

#[test]
fn y4_retries_inside_of_retries_do_not_multiply() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Network));
    let client =
        Client::new(service.clone(), simulation.lent()).layer(Retry::default()).layer(Retry::default());
    let error = simulation.run(client.complete("hi")).unwrap_err();
    assert_eq!((service.calls(), error.attempts()), (3, 3), "the inner one owns them");
}

#[test]
fn y4_repair_does_not_repeat_what_a_retry_gave_up() {
    use belvedere_middleware::repair::Repair;
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Network));
    let client =
        Client::new(service.clone(), simulation.lent()).layer(Repair::default()).layer(Retry::default());
    simulation.run(client.complete("hi")).unwrap_err();
    assert_eq!(service.calls(), 3);
}

#[test]
fn the_callers_idempotency_key_goes_with_every_attempt() {
    use belvedere_core::credentials::Anonymous;
    use belvedere_core::http::Http;
    use belvedere_core::testing::{Fault, Reply};
    let simulation = Simulation::new(1);
    simulation.network.push(Reply::fault(Fault::Reset));
    simulation.network.push(Reply::ok("text/plain", "text a\ndone\n"));
    let service = Http::new(crate::wire::lines::LinesWire::new("http://lines.example/"), Anonymous);
    let mut options = Options::default();
    options.idempotency_key = Some("once".into());
    assert_eq!(go_with(&simulation, Retry::default(), service, options).text(), "a");
    let sent = simulation.network.requests();
    let keys: Vec<_> =
        sent.iter().map(|request| request.headers()["idempotency-key"].to_str().unwrap()).collect();
    assert_eq!(keys, ["once", "once"]);
}
