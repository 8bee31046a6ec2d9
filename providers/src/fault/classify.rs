//! The kind of an error: the provider's own word first, then the HTTP status, then narrow phrases of the message.
//!
//! Sources: the error pages of OpenAI, Anthropic, Google (`google.rpc.Code`), AWS Bedrock, Azure OpenAI, Mistral,
//! Groq, DeepSeek, xAI, OpenRouter, Cohere, and the sources of llama.cpp, vLLM, TGI and Ollama.

use belvedere_core::error::ErrorKind;

use super::Head;
use super::shape::Said;

/// The kind of an error answer.
pub(super) fn kind(head: &Head, said: &Said) -> ErrorKind {
    let words = || {
        let own = said.reasons.iter().chain(&said.code).chain(&said.r#type);
        own.chain(&head.exception).map(|word| plain_word(word))
    };
    if let Some(kind) = words().find_map(|word| telling_word(&word)) {
        return kind;
    }
    let status = head
        .status
        .filter(|status| *status >= 300)
        .or_else(|| said.code.as_ref()?.parse().ok().filter(|code| (400..600).contains(code)))
        .or_else(|| words().find_map(|word| broad_word(&word)));
    let mut text = said.message.as_deref().unwrap_or_default().to_lowercase();
    if let Some(upstream) = &said.upstream {
        text.push('\n');
        text.push_str(&upstream.to_lowercase());
    }
    let kind = match status {
        Some(status) => phrase(status, &text).unwrap_or_else(|| of_status(status, &text)),
        None => phrase(400, &text).unwrap_or_else(|| without_status(head, &text)),
    };
    match kind {
        // The request was accepted and being answered: the fault is the provider's.
        ErrorKind::InvalidRequest if head.begun => ErrorKind::Overloaded,
        kind => kind,
    }
}

/// A code or type in lower case without separators and without the endings `Error` and `Exception`, so that
/// `rate_limit_error`, `RateLimitError` and `rate-limit` are one word.
fn plain_word(word: &str) -> String {
    let mut plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.make_ascii_lowercase();
    while let Some(shorter) = plain.strip_suffix("exception").or_else(|| plain.strip_suffix("error")) {
        plain.truncate(shorter.len());
    }
    plain
}

/// Words that mean one kind, whatever the status.
fn telling_word(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "contextlengthexceeded"
        | "contextwindowexceeded"
        | "exceedcontextsize"
        | "requesttoolarge"
        | "prompttoolong"
        | "inputtoolong"
        | "tokenlimitexceeded"
        | "requestentitytoolarge"
        | "payloadtoolarge"
        | "maxcontextlengthexceeded" => ErrorKind::ContextTooLong,
        "contentfilter"
        | "contentfiltered"
        | "contentpolicyviolation"
        | "responsibleaipolicyviolation"
        | "moderationblocked"
        | "contentmoderation"
        | "datainspectionfailed"
        | "prohibitedcontent"
        | "imagecontentpolicyviolation"
        | "sensitivecontentdetected"
        | "biopolicy"
        | "misalignmentpolicyviolation" => ErrorKind::ContentFiltered,
        "insufficientquota"
        | "quotaexceeded"
        | "billinghardlimitreached"
        | "billingnotactive"
        | "billing"
        | "insufficientbalance"
        | "insufficientcredits"
        | "insufficientfunds"
        | "paymentrequired"
        | "servicequotaexceeded"
        | "exceededcurrentquota"
        | "creditbalancetoolow"
        | "arrearage"
        | "billinglimitexceeded"
        | "enforcedspendlimitreached"
        | "contractspendlimitreached"
        | "linkedorganizationspendlimitreached" => ErrorKind::QuotaExhausted,
        "ratelimit"
        | "ratelimited"
        | "ratelimitexceeded"
        | "ratelimitreached"
        | "toomanyrequests"
        | "throttling"
        | "throttled"
        | "requestlimitexceeded"
        | "resourceexhausted"
        | "tokens"
        | "requests"
        | "concurrencylimitexceeded"
        | "servicetiercapacityexceeded"
        | "tokenratelimitexceeded" => ErrorKind::RateLimited,
        "authentication"
        | "unauthorized"
        | "unauthenticated"
        | "invalidapikey"
        | "apikeyinvalid"
        | "incorrectapikey"
        | "missingapikey"
        | "noapikey"
        | "invalidauthentication"
        | "unrecognizedclient"
        | "invalidsignature"
        | "incompletesignature"
        | "expiredtoken"
        | "invalidtoken"
        | "missingauthenticationtoken"
        | "invalidclienttokenid"
        | "accountdeactivated"
        | "invalidcredentials" => ErrorKind::Unauthorized,
        "forbidden"
        | "permission"
        | "permissiondenied"
        | "unsupportedcountryregionterritory"
        | "servicedisabled"
        | "apikeyserviceblocked" => ErrorKind::Forbidden,
        "modelnotfound"
        | "invalidmodel"
        | "invalidmodelname"
        | "unknownmodel"
        | "deploymentnotfound"
        | "modeldecommissioned"
        | "modeldeprecated"
        | "modelnotexist"
        | "nosuchmodel" => ErrorKind::ModelNotFound,
        // `ModelErrorException` and `ModelStreamErrorException` lose their endings above.
        "overloaded" | "engineoverloaded" | "serverisoverloaded" | "slowdown" | "overcapacity"
        | "capacityexceeded" | "nocapacity" | "modelnotready" | "modeltimeout" | "model" | "modelstream" => {
            ErrorKind::Overloaded
        }
        _ => return None,
    })
}

/// Words that say no more than an HTTP status does, and that gateways send beside any status: as that status.
fn broad_word(word: &str) -> Option<u16> {
    Some(match word {
        "invalidrequest"
        | "badrequest"
        | "invalidargument"
        | "validation"
        | "invalidvalue"
        | "invalidparameter"
        | "invalidparametervalue"
        | "invalidrequestprompt"
        | "failedprecondition"
        | "outofrange"
        | "unprocessableentity"
        | "invalidprompt"
        | "dataresidencymismatch"
        | "invalidimage"
        | "invalidimageformat"
        | "invalidimagemode"
        | "invalidimageurl"
        | "invalidbase64image"
        | "imagetoolarge"
        | "imagetoosmall"
        | "imageparse"
        | "imagefiletoolarge"
        | "imagefilenotfound"
        | "emptyimagefile"
        | "unsupportedimagemediatype"
        | "failedtodownloadimage" => 400,
        "accessdenied" => 403,
        "notfound" | "resourcenotfound" => 404,
        "conflict" => 409,
        "server" | "api" | "internal" | "internalserver" | "internalfailure" | "aborted" | "unknown"
        | "dataloss" | "upstream" | "generation" | "cancelled" => 500,
        "notsupported" | "unimplemented" => 501,
        "badgateway" => 502,
        "serviceunavailable" | "unavailable" => 503,
        "timeout" | "deadlineexceeded" | "gatewaytimeout" | "vectorstoretimeout" => 504,
        _ => return None,
    })
}

fn of_status(status: u16, text: &str) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        402 => ErrorKind::QuotaExhausted,
        403 | 451 => ErrorKind::Forbidden,
        404 if ["model", "deployment"].iter().any(|word| text.contains(word)) => ErrorKind::ModelNotFound,
        410 => ErrorKind::ModelNotFound,
        408 | 409 | 424 | 425 | 498 | 499 => ErrorKind::Overloaded,
        413 => ErrorKind::ContextTooLong,
        429 => ErrorKind::RateLimited,
        501 => ErrorKind::Unsupported,
        400..=499 => ErrorKind::InvalidRequest,
        500.. => ErrorKind::Overloaded,
        _ => ErrorKind::Unexpected,
    }
}

/// An error that names neither a status nor a code, most often a bare sentence inside a stream.
fn without_status(head: &Head, text: &str) -> ErrorKind {
    const LIMITED: [&str; 3] = ["rate limit", "rate-limit", "too many requests"];
    const FAILED: [&str; 8] = [
        "overload",
        "unavailable",
        "at capacity",
        "over capacity",
        "internal error",
        "server error",
        "timed out",
        "try again",
    ];
    if any(text, &LIMITED) {
        ErrorKind::RateLimited
    } else if any(text, &FAILED) || head.begun || head.status.is_some() {
        // A 200 had promised an answer: whatever broke, the request was acceptable.
        ErrorKind::Overloaded
    } else {
        ErrorKind::Unexpected
    }
}

fn any(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// What only the sentence tells, looked for only beside a status that leaves it open.
fn phrase(status: u16, text: &str) -> Option<ErrorKind> {
    let found = match status {
        400 | 422 => [key(text), context(text), model(text), quota(text), filtered(text)],
        403 => [key(text), quota(text), filtered(text), None, None],
        404 => [model(text), key(text), context(text), None, None],
        413 => [quota(text), None, None, None, None],
        429 => [quota(text), None, None, None, None],
        500 => [context(text), None, None, None, None],
        _ => return None,
    };
    found.into_iter().flatten().next()
}

fn key(text: &str) -> Option<ErrorKind> {
    const KEYS: [&str; 7] =
        ["api key", "api-key", "apikey", "api token", "auth token", "bearer token", "access token"];
    const FAULTS: [&str; 10] = [
        "invalid",
        "incorrect",
        "not valid",
        "missing",
        "expired",
        "revoked",
        "wrong",
        "not provided",
        "malformed",
        "no api key",
    ];
    (any(text, &KEYS) && any(text, &FAULTS)).then_some(ErrorKind::Unauthorized)
}

fn context(text: &str) -> Option<ErrorKind> {
    const CONTEXT: [&str; 22] = [
        "context length",
        "context window",
        "context size",
        "context limit",
        "maximum context",
        "max context",
        "prompt is too long",
        "prompt too long",
        "input is too long",
        "input too long",
        "too many tokens",
        "too many input tokens",
        "maximum prompt length",
        "maximum number of tokens",
        "input tokens exceed",
        "input token count",
        "reduce the length of",
        "reduce your prompt",
        "model token limit",
        "range of input length",
        "max_new_tokens` must be",
        "exceeds the token limit",
    ];
    // Too large a limit for the answer is a wrong parameter, not a long request.
    const ANSWER: [&str; 5] =
        ["max_tokens", "completion token", "output token", "budget_tokens", "new tokens"];
    const REQUEST: [&str; 4] = ["input", "prompt", "request", "messages"];
    const OVER: [&str; 5] = ["exceed", "too large", "too long", "longer than", "greater than"];
    let counted = text.contains("token") && any(text, &REQUEST) && any(text, &OVER) && !any(text, &ANSWER);
    (counted || any(text, &CONTEXT)).then_some(ErrorKind::ContextTooLong)
}

fn model(text: &str) -> Option<ErrorKind> {
    const WHOLE: [&str; 8] = [
        "invalid model",
        "unknown model",
        "no such model",
        "model not found",
        "model not exist",
        "not a valid model",
        "model identifier is invalid",
        "model does not exist",
    ];
    const SUBJECT: [&str; 3] = ["the model ", "the requested model ", "the deployment "];
    const GONE: [&str; 4] = ["does not exist", "not found", "decommissioned", "has been deprecated"];
    let about = text.starts_with("model") || any(text, &SUBJECT);
    (any(text, &WHOLE) || (about && any(text, &GONE))).then_some(ErrorKind::ModelNotFound)
}

fn quota(text: &str) -> Option<ErrorKind> {
    const QUOTA: [&str; 18] = [
        "insufficient balance",
        "insufficient credit",
        "insufficient fund",
        "insufficient quota",
        "credit balance",
        "balance is too low",
        "out of credit",
        "not enough credit",
        "any credits",
        "more credits",
        "all available credits",
        "billing hard limit",
        "check your plan and billing",
        "spending limit",
        "key limit exceeded",
        "payment required",
        "monthly spend",
        // Cohere's trial keys; those that have it by the minute are limited in their rate.
        "calls / month",
    ];
    any(text, &QUOTA).then_some(ErrorKind::QuotaExhausted)
}

fn filtered(text: &str) -> Option<ErrorKind> {
    const FILTERED: [&str; 12] = [
        "content management policy",
        "content filter",
        "content_filter",
        "content policy",
        "usage polic",
        "was flagged",
        "flagged as",
        "content exists risk",
        "considered high risk",
        "inappropriate content",
        "safety system",
        "responsible ai",
    ];
    any(text, &FILTERED).then_some(ErrorKind::ContentFiltered)
}
