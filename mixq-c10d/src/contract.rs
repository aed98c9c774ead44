use crate::error::{Error, Result};
use crate::pack;

/// What the processes of a group must have in common: names and values.
///
/// A process whose program, task or data differ would train something else, or wait for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    must: Vec<(String, String)>,
    should: Vec<(String, String)>,
}

impl Contract {
    /// Nothing in common.
    pub fn new() -> Contract {
        Contract::default()
    }

    /// The same, with a value that must be equal in all processes: a version, a digest.
    #[must_use]
    pub fn must(mut self, name: impl Into<String>, value: impl Into<String>) -> Contract {
        self.must.push((name.into(), value.into()));
        self
    }

    /// The same, with a value that should be equal in all processes: where it is not, they are warned.
    #[must_use]
    pub fn should(mut self, name: impl Into<String>, value: impl Into<String>) -> Contract {
        self.should.push((name.into(), value.into()));
        self
    }

    /// What both name.
    pub(crate) fn and(mut self, other: &Contract) -> Contract {
        self.must.extend_from_slice(&other.must);
        self.should.extend_from_slice(&other.should);
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let texts = |pairs: &[(String, String)]| {
            let texts = pairs.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
            pack::texts(&texts.collect::<Vec<_>>())
        };
        pack::bytes(&[texts(&self.must), texts(&self.should)])
    }

    /// `None` if these bytes are no contract.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Contract> {
        let parts = pack::split(bytes)?;
        let [must, should] = parts.as_slice() else { return None };
        let pairs = |bytes: &[u8]| {
            let texts = pack::split_texts(bytes)?;
            let pairs = texts.chunks_exact(2);
            let whole = pairs.remainder().is_empty();
            whole.then(|| pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect())
        };
        Some(Contract { must: pairs(must)?, should: pairs(should)? })
    }

    /// Warnings about values that differ, one a line; `contracts` are those of all ranks.
    ///
    /// # Errors
    /// A value that must be equal differs: all such names, with both sides.
    pub(crate) fn compare(contracts: &[Contract]) -> Result<Vec<String>> {
        let differing = |pairs: fn(&Contract) -> &Vec<(String, String)>| -> Vec<String> {
            let Some(first) = contracts.first().map(pairs) else { return Vec::new() };
            // The first rank that differs is named: who reads of it looks at the others, too.
            let other = contracts.iter().enumerate().find(|(_, contract)| pairs(contract) != first);
            other.map_or_else(Vec::new, |(rank, contract)| differences(first, pairs(contract), rank))
        };
        let wrong = differing(|contract| &contract.must);
        if wrong.is_empty() {
            return Ok(differing(|contract| &contract.should));
        }
        let help = "start all processes with the same program, configuration and data";
        Err(Error::new(wrong.join(". ")).with_help(help))
    }
}

/// What rank 0 and another one have not in common.
fn differences(first: &[(String, String)], other: &[(String, String)], rank: usize) -> Vec<String> {
    let value = |pairs: &[(String, String)], name: &str| {
        let found = pairs.iter().find(|pair| pair.0 == name);
        found.map_or("none".to_string(), |pair| format!("`{}`", pair.1))
    };
    let mut names: Vec<&str> = first.iter().map(|pair| pair.0.as_str()).collect();
    names.extend(
        other.iter().map(|pair| pair.0.as_str()).filter(|name| first.iter().all(|pair| pair.0 != *name)),
    );
    let sides = |name: &str| (value(first, name), value(other, name));
    let mut found: Vec<String> = names
        .into_iter()
        .map(|name| (name, sides(name)))
        .filter(|(_, (first, other))| first != other)
        .map(|(name, (first, other))| format!("{name} differs: rank 0 has {first}, rank {rank} has {other}"))
        .collect();
    if found.is_empty() {
        found.push(format!("rank 0 and rank {rank} name what they have in common in another order"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(version: &str, data: &str, cpu: &str) -> Contract {
        Contract::new().must("mixq", version).must("data", data).should("CPU", cpu)
    }

    #[test]
    fn equal_contracts_are_agreed_on() {
        let one = contract("0.1.0", "ab", "AVX2");
        assert_eq!(Contract::compare(&[one.clone(), one.clone(), one.clone()]), Ok(vec![]));
        assert_eq!(Contract::compare(&[one]), Ok(vec![]));
        assert_eq!(Contract::compare(&[]), Ok(vec![]));
    }

    #[test]
    fn all_that_differs_is_named_with_both_sides() {
        let one = contract("0.1.0", "ab", "AVX2");
        let two = contract("0.1.1", "cd", "AVX2");
        let error = Contract::compare(&[one.clone(), one.clone(), two]).unwrap_err();
        let expected = "mixq differs: rank 0 has `0.1.0`, rank 2 has `0.1.1`. \
                        data differs: rank 0 has `ab`, rank 2 has `cd`";
        assert_eq!(error.message(), expected);
        assert!(error.help().is_some());
        let error = Contract::compare(&[Contract::new().must("a", "1"), Contract::new().must("b", "2")]);
        let expected =
            "a differs: rank 0 has `1`, rank 1 has none. b differs: rank 0 has none, rank 1 has `2`";
        assert_eq!(error.unwrap_err().message(), expected);
        let turned = Contract::new().must("data", "ab").must("mixq", "0.1.0");
        assert!(Contract::compare(&[one, turned]).is_err());
    }

    #[test]
    fn what_should_be_equal_gives_warnings() {
        let [one, two] = ["AVX2", "AVX512"].map(|cpu| contract("0.1.0", "ab", cpu));
        let expected = "CPU differs: rank 0 has `AVX2`, rank 1 has `AVX512`";
        assert_eq!(Contract::compare(&[one, two]), Ok(vec![expected.into()]));
    }

    #[test]
    fn contracts_survive_the_way_and_other_bytes_are_none() {
        let one = contract("0.1.0", "a\0b\nü", "");
        let bytes = one.encode();
        assert_eq!(Contract::decode(&bytes), Some(one));
        for end in 0..bytes.len() {
            assert_eq!(Contract::decode(&bytes[..end]), None, "{end}");
        }
        assert_eq!(Contract::decode(&[0xff; 64]), None);
        let odd = pack::bytes(&[pack::texts(&["a".into()]), pack::texts(&[])]);
        assert_eq!(Contract::decode(&odd), None);
    }
}
