//! Numbers as linkers calculate them.

use std::ops::Range;

use super::BY_HAND;
use super::parser::Parser;
use super::token::Token;
use crate::error::Problem;

/// Brackets within brackets.
const DEEPEST: usize = 32;

impl Parser<'_> {
    /// A sum, with the bytes of the file that it takes.
    pub(super) fn expression(&mut self) -> Result<(u64, Range<usize>), Problem> {
        let first = self.next;
        let value = self.value()?;
        let span = self.tokens[first].span().start..self.tokens[self.next - 1].span().end;
        match u64::try_from(value) {
            Ok(value) => Ok((value, span)),
            Err(_) => {
                Err(self.file.problem(span, format!("this is {value}, which is no 64-bit address or length")))
            }
        }
    }

    /// Any number, which for a symbol may be negative.
    pub(super) fn value(&mut self) -> Result<i128, Problem> {
        self.shift(0)
    }

    /// Sums, shifted to the left or right.
    fn shift(&mut self, depth: usize) -> Result<i128, Problem> {
        let mut value = self.sum(depth)?;
        loop {
            let sign = self.tokens.get(self.next);
            let left =
                match (sign.map(|sign| sign.text), self.tokens.get(self.next + 1).map(|next| next.text)) {
                    (Some("<"), Some("<")) => true,
                    (Some(">"), Some(">")) => false,
                    _ => return Ok(value),
                };
            self.next += 2;
            let places = self.sum(depth)?;
            let power =
                u32::try_from(places).ok().filter(|places| *places < 64).map(|places| 1_i128 << places);
            let shifted =
                power.and_then(
                    |power| {
                        if left { value.checked_mul(power) } else { Some(value.div_euclid(power)) }
                    },
                );
            value = self.checked(sign, shifted)?;
        }
    }

    fn sum(&mut self, depth: usize) -> Result<i128, Problem> {
        let mut value = self.product(depth)?;
        loop {
            let sign = self.tokens.get(self.next);
            value = if self.accept("+") {
                let addend = self.product(depth)?;
                self.checked(sign, value.checked_add(addend))?
            } else if self.accept("-") {
                let subtrahend = self.product(depth)?;
                self.checked(sign, value.checked_sub(subtrahend))?
            } else {
                return Ok(value);
            };
        }
    }

    fn product(&mut self, depth: usize) -> Result<i128, Problem> {
        let mut value = self.atom(depth)?;
        loop {
            let sign = self.tokens.get(self.next);
            value = if self.accept("*") {
                let factor = self.atom(depth)?;
                self.checked(sign, value.checked_mul(factor))?
            } else if self.accept("/") {
                let divisor = self.atom(depth)?;
                self.checked(sign, value.checked_div(divisor))?
            } else {
                return Ok(value);
            };
        }
    }

    fn checked(&self, sign: Option<&Token<'_>>, value: Option<i128>) -> Result<i128, Problem> {
        let span = sign.map_or(0..0, Token::span);
        value
            .ok_or_else(|| self.file.problem(span, "this is not a number that a linker could calculate with"))
    }

    fn atom(&mut self, depth: usize) -> Result<i128, Problem> {
        if self.accept("(") {
            if depth == DEEPEST {
                let span = self.tokens[self.next - 1].span();
                return Err(self
                    .file
                    .problem(span, format!("more than {DEEPEST} brackets within each other")));
            }
            let value = self.shift(depth + 1)?;
            self.expect(&[")"])?;
            return Ok(value);
        }
        let token = self.word("a number")?;
        let bracket = self.tokens.get(self.next).is_some_and(|next| next.text == "(");
        match token.text {
            "ORIGIN" | "LENGTH" => return self.of_region(token.text == "LENGTH"),
            "org" | "o" | "len" | "l" if bracket => return self.of_region(token.text.starts_with('l')),
            _ => {}
        }
        let value = number(token.text).or_else(|| self.script.symbols.get(token.text).copied());
        value.ok_or_else(|| {
            let message = format!("`{}` is not a number that mixq reads", token.text);
            let help = format!("write a decimal or hexadecimal number, which K or M may follow, {BY_HAND}");
            Problem::new(message).help(help).at(self.file.location(token.span()))
        })
    }

    /// `(NAME)` behind ORIGIN or LENGTH.
    fn of_region(&mut self, length: bool) -> Result<i128, Problem> {
        self.expect(&["("])?;
        let name = self.region_name()?;
        self.expect(&[")"])?;
        let region = self.find(name)?;
        Ok(if length { region.length } else { region.origin }.into())
    }
}

/// Decimal, hexadecimal after `0x` or octal after `0`, times 1024 for K and 1024 x 1024 for M.
fn number(text: &str) -> Option<i128> {
    let (digits, factor) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix(['M', 'm']).map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    Some(i128::from(u64::from_str_radix(digits, radix).ok()?) * factor)
}
