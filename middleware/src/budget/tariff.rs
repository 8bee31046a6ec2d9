//! What calls cost in the unit of a budget.

use std::sync::Arc;

use belvedere_core::context::{Attempt, Call};
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use belvedere_core::usage::{Money, Usage};

use super::config::{Config, Unit, UnknownPrice};
use crate::prices::{ModelPrice, PriceTable};
use crate::quota::input_tokens;

/// What calls cost in the unit of a budget.
#[derive(Debug)]
pub(super) struct Tariff {
    unit: Unit,
    table: PriceTable,
    unknown: UnknownPrice,
    top_up: u64,
    max_output: u64,
}

/// What is reserved for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    /// What it has the model read, by estimate.
    pub(super) input: u64,
    /// The most it costs, as far as it is covered.
    pub(super) amount: i64,
    /// How far the answer is covered and what more of it costs; `None` where all of it is.
    pub(super) steps: Option<Steps>,
}

/// An answer that is paid for step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    /// How many of its tokens are covered.
    pub(super) covered: u64,
    /// How many each step covers.
    pub(super) tokens: u64,
    /// What a step costs.
    pub(super) amount: i64,
}

/// What an attempt cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// In money, as far as it is known.
    pub(super) money: Option<Money>,
    /// What the budget is charged; `None`: what was reserved.
    pub(super) charge: Option<i64>,
    /// Whether the price is an assumption.
    pub(super) assumed: bool,
}

impl Tariff {
    pub(super) fn new(config: &Config, unit: Unit) -> Self {
        Tariff {
            unit,
            table: PriceTable::with(config.prices.clone()),
            unknown: config.unknown_price.clone(),
            top_up: config.top_up.get(),
            max_output: config.max_output.get(),
        }
    }

    /// What is to be reserved for a request.
    ///
    /// # Errors
    /// `BudgetExceeded` when its price is unknown and that is not allowed.
    pub(super) fn bound(&self, info: &Info, call: &Call, request: &Request) -> Result<Bound> {
        if request.operation == Operation::Models {
            return Ok(Bound { input: 0, amount: 0, steps: None });
        }
        let model = request.model.as_deref().or(info.model.as_deref()).unwrap_or_default();
        let price = self.price(&info.name, model).map(|(price, _)| price);
        let input = input_tokens(call, request);
        let answers = u64::from(request.n.unwrap_or(1).max(1));
        let (output, is_open) = match (request.operation, request.max_tokens) {
            (Operation::Embed, _) => (0, false),
            (_, Some(most)) => (most, false),
            (_, None) if request.stream => (self.top_up, true),
            (_, None) => (price.and_then(|price| price.max_output).unwrap_or(self.max_output), false),
        };
        let Some(amount) = self.upper(price, input, output, answers) else {
            return match self.unknown {
                UnknownPrice::Allow => Ok(Bound { input, amount: 0, steps: None }),
                _ => Err(unpriced(&info.name, model)),
            };
        };
        let steps = is_open.then(|| {
            let more = self.upper(price, input, output.saturating_mul(2), answers).unwrap_or(amount);
            // A model whose longest answer is a step ends by itself; what it writes beyond costs the same again.
            let step = if more > amount { more - amount } else { amount };
            let tokens = output.saturating_mul(answers);
            Steps { covered: tokens, tokens, amount: step }
        });
        Ok(Bound { input, amount, steps })
    }

    /// The most that so many answers cost; `None` when that is unknown.
    fn upper(&self, price: Option<&ModelPrice>, input: u64, output: u64, answers: u64) -> Option<i64> {
        match self.unit {
            Unit::Tokens => Some(amount_of(input.saturating_add(output.saturating_mul(answers)))),
            Unit::Usd => {
                let price = price?;
                let one = price.upper(input, Some(output))?.nanos();
                let more = match answers {
                    1 => 0,
                    _ => one.saturating_sub(price.upper(input, Some(0))?.nanos()),
                };
                Some(one.saturating_add(more.saturating_mul(amount_of(answers - 1))))
            }
        }
    }

    /// What an attempt cost that used this.
    pub(super) fn cost(&self, attempt: &Attempt, usage: &Arc<Usage>) -> Cost {
        let tokens = usage.total_tokens().unwrap_or(0);
        let price = self.price(&attempt.provider, attempt.model.as_deref().unwrap_or_default());
        let money = match price {
            // What was not used costs nothing, whatever its price.
            _ if tokens == 0 => Some(Money::ZERO),
            Some((price, _)) => price.cost(usage),
            None => None,
        };
        let charge = match (self.unit, money) {
            (Unit::Tokens, _) => Some(amount_of(tokens)),
            (Unit::Usd, Some(money)) => Some(money.nanos()),
            (Unit::Usd, None) if self.unknown == UnknownPrice::Allow => Some(0),
            (Unit::Usd, None) => None,
        };
        Cost { money, charge, assumed: price.is_some_and(|(_, assumed)| assumed) && tokens > 0 }
    }

    /// The price of a model, and whether it is an assumption.
    fn price(&self, provider: &str, model: &str) -> Option<(&ModelPrice, bool)> {
        let known = self.table.price(provider, model).map(|price| (price, false));
        known.or(match &self.unknown {
            UnknownPrice::Assume(price) => Some((price, true)),
            _ => None,
        })
    }
}

fn amount_of(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn unpriced(provider: &str, model: &str) -> Error {
    let message = format!(
        "the price of the model `{model}` of `{provider}` is unknown, and the budget has a hard limit; \
         state it in `prices`, or set `unknown_price`"
    );
    Error::new(ErrorKind::BudgetExceeded, message).with_operation("Budget::call")
}
