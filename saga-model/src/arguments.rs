//! What `make model` and `make model-night` can be told.

use std::{
    env,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use saga_model::Bounds;

/// How to call it.
pub(crate) const USAGE: &str = "\
saga-model [night | walk | NAME] [--seed N] [--seconds N] [--walks N] [--states N]

  (nothing)  every state of the day's scenarios, and every planted fault
  night      every state of all scenarios, every planted fault, and then `walk`
  walk       the scenarios that are too large: the nearest states, then walks at random
  NAME       only the scenarios whose name contains NAME, and the faults that are planted in them

  --seed N     of the first walk; else the clock's, and printed       or MODEL_SEED=N
  --seconds N  of walking for each scenario that is too large: 60     or MODEL_SECONDS=N
  --walks N    so many for each of them, whatever they do not meet    or MODEL_WALKS=N
  --states N   of each of them to be visited, the nearest: 1000000    or MODEL_STATES=N";

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What a day has time for.
    Day,
    /// Everything.
    Night,
    /// Only what is too large to be explored.
    Walk,
    /// The scenarios with that in their name.
    Named(String),
}

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) part: Part,
    pub(crate) bounds: Bounds,
    /// Of each scenario that is too large.
    pub(crate) states: usize,
}

impl Arguments {
    /// From the command line; what it does not say, the environment may, where `make` puts its own.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Self::parse(env::args().skip(1), |name| env::var(name).ok())
    }

    fn parse(
        mut words: impl Iterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let mut part = Part::Day;
        let mut numbers = ["seed", "seconds", "walks", "states"]
            .map(|name| (name, environment(&format!("MODEL_{}", name.to_uppercase()))));
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(option) => {
                    let Some((_, value)) = numbers.iter_mut().find(|(name, _)| *name == option) else {
                        bail!("there is no option {word}");
                    };
                    *value = Some(words.next().with_context(|| format!("{word} wants a number"))?);
                }
                None if part == Part::Day => {
                    part = match word.as_str() {
                        "night" => Part::Night,
                        "walk" => Part::Walk,
                        name => Part::Named(name.to_owned()),
                    }
                }
                None => bail!("`{word}` is one word too many"),
            }
        }
        let number = |(name, value): &(&str, Option<String>), default: u64| {
            let parse =
                |value: &String| value.parse().with_context(|| format!("{name} is no number: {value}"));
            value.as_ref().map_or(Ok(default), parse)
        };
        let [seed, seconds, walks, states] = &numbers;
        let bounds = Bounds {
            seed: number(seed, seed_of_the_clock())?,
            walks: number(walks, u64::MAX)?,
            time: Duration::from_secs(number(seconds, 60)?),
        };
        Ok(Self { part, bounds, states: usize::try_from(number(states, 1_000_000)?)? })
    }
}

/// Short enough to be typed again.
fn seed_of_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() % 1_000_000 * 1_000 + u64::from(now.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, environment: &[(&str, &str)]) -> anyhow::Result<Arguments> {
        let words = line.split_whitespace().map(str::to_owned);
        Arguments::parse(words, |name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let said = parse("night --seed 7", &[("MODEL_SEED", "8"), ("MODEL_STATES", "3")]).unwrap();
        assert_eq!((said.part, said.bounds.seed, said.states), (Part::Night, 7, 3));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["--sed 7", "--seed", "--seed seven", "night walk"] {
            assert!(parse(line, &[]).is_err(), "{line}");
        }
    }
}
