//! From tokens to regions, symbols and aliases.

use std::ops::Range;
use std::path::Path;

use super::script::{Named, Script};
use super::token::{Kind, Token};
use super::{File, read, text};
use crate::error::Problem;

/// Files that are read, which may include each other.
const MOST_FILES: usize = 8;

/// Reads a file from its tokens.
pub(super) struct Parser<'a> {
    pub file: &'a File<'a>,
    pub tokens: &'a [Token<'a>],
    pub next: usize,
    pub script: &'a mut Script,
}

impl<'a> Parser<'a> {
    /// Reads the whole file: `MEMORY { ... }`, `REGION_ALIAS(...)`, `INCLUDE`, and symbols that are numbers.
    /// Skips everything else.
    pub fn script(&mut self) -> Result<(), Problem> {
        while let Some(token) = self.take() {
            match token.text {
                "MEMORY" if self.accept("{") => {
                    self.script.memory = Some(self.file.location(token.span()));
                    while !self.accept("}") {
                        self.region()?;
                    }
                }
                "REGION_ALIAS" if self.accept("(") => self.alias()?,
                "INCLUDE" => self.include(token, false)?,
                name if token.kind == Kind::Word && self.accept("=") => self.symbol(name),
                _ => {}
            }
        }
        Ok(())
    }

    /// The regions of a file that is included within `MEMORY { ... }`.
    pub fn regions(&mut self) -> Result<(), Problem> {
        while self.next < self.tokens.len() {
            self.region()?;
        }
        Ok(())
    }

    /// A value behind `NAME =`; what is not a number is not a symbol that a region could be written with.
    fn symbol(&mut self, name: &str) {
        let start = self.next;
        // `PROVIDE(name = ...)` holds only for a name that has no value yet.
        let before = |distance: usize| start.checked_sub(distance).map(|index| self.tokens[index].text);
        let provided = matches!(before(4), Some("PROVIDE" | "PROVIDE_HIDDEN")) && before(3) == Some("(");
        match self.value() {
            Ok(_) if provided && self.script.symbols.contains_key(name) => {}
            Ok(value) => drop(self.script.symbols.insert(name.to_string(), value)),
            Err(_) => self.next = start,
        }
    }

    /// `INCLUDE file`. Linkers look in other folders, too: only `within` MEMORY a file that is not there is
    /// an error.
    fn include(&mut self, at: &Token<'_>, within: bool) -> Result<(), Problem> {
        // A path is one text in quotes, or tokens without a space between, as `ld/regions.x` is.
        let first = self.take().ok_or_else(|| self.expected("a file's name"))?;
        let mut span = first.span();
        if first.kind != Kind::Text {
            while let Some(token) = self.tokens.get(self.next).filter(|token| token.span().start == span.end)
            {
                if matches!(token.text, ";" | "}") {
                    break;
                }
                span.end = token.span().end;
                self.next += 1;
            }
        }
        self.check_name(&span)?;
        let name = self.file.source[span].trim_matches('"').to_string();
        let path = self.file.path.parent().unwrap_or(Path::new("")).join(&name);
        match text(&path) {
            Ok(_) if self.script.files.len() == MOST_FILES => {
                let message =
                    format!("mixq reads {MOST_FILES} files at most, and `{name}` would be one more");
                Err(self.file.problem(at.span(), message))
            }
            Ok(text) => read(self.script, &path, &text, within),
            Err(error) if within => {
                Err(self.file.problem(at.span(), format!("cannot read {}: {error}", path.display())))
            }
            Err(_) => {
                self.script.elsewhere.push(name);
                Ok(())
            }
        }
    }

    /// `REGION_ALIAS(NAME, REGION)`, behind the bracket.
    fn alias(&mut self) -> Result<(), Problem> {
        let name = self.region_name()?;
        self.expect(&[","])?;
        let region = self.region_name()?;
        self.expect(&[")"])?;
        let region = self.find(region)?.clone();
        self.add(name, region)
    }

    /// `NAME (attributes) : ORIGIN = expression, LENGTH = expression`.
    fn region(&mut self) -> Result<(), Problem> {
        if let Some(token) = self.tokens.get(self.next).filter(|token| token.text == "INCLUDE") {
            self.next += 1;
            return self.include(token, true);
        }
        let name = self.region_name()?;
        if self.accept("(") {
            while !self.accept(")") {
                self.take().ok_or_else(|| self.expected("`)`"))?;
            }
        }
        self.expect(&[":"])?;
        self.expect(&["ORIGIN", "org", "o"])?;
        self.expect(&["="])?;
        let (origin, _) = self.expression()?;
        self.accept(",");
        self.expect(&["LENGTH", "len", "l"])?;
        self.expect(&["="])?;
        let (length, at) = self.expression()?;
        let at = self.file.location(at);
        self.add(name, Named { name: String::new(), origin, length, at })
    }

    fn add(&mut self, name: Range<usize>, region: Named) -> Result<(), Problem> {
        let text = self.file.source[name.clone()].to_string();
        if self.script.regions.iter().any(|region| region.name == text) {
            return Err(self.file.problem(name, format!("the region `{text}` stands there twice")));
        }
        self.script.regions.push(Named { name: text, ..region });
        Ok(())
    }

    /// The region of a name that was read.
    pub(super) fn find(&self, name: Range<usize>) -> Result<&Named, Problem> {
        let text = &self.file.source[name.clone()];
        let region = self.script.regions.iter().find(|region| region.name == text);
        region.ok_or_else(|| self.file.problem(name, format!("there is no region `{text}` before this line")))
    }

    /// Quotes may hold anything; a name stands on one line.
    fn check_name(&self, span: &Range<usize>) -> Result<(), Problem> {
        match self.file.source[span.clone()].contains(char::is_control) {
            true => Err(self.file.problem(span.clone(), "this is not a name: it goes over several lines")),
            false => Ok(()),
        }
    }

    /// Letters, digits, dots, and hyphens within; or quotes around.
    pub(super) fn region_name(&mut self) -> Result<Range<usize>, Problem> {
        if let Some(token) = self.tokens.get(self.next).filter(|token| token.kind == Kind::Text) {
            self.next += 1;
            let span = token.span();
            self.check_name(&span)?;
            return Ok(span.start + 1..span.end - 1);
        }
        let mut span = self.word("a region's name or `}`")?.span();
        while self.accept("-") {
            span.end = self.word("the rest of a region's name")?.span().end;
        }
        Ok(span)
    }

    fn take(&mut self) -> Option<&'a Token<'a>> {
        let token = self.tokens.get(self.next)?;
        self.next += 1;
        Some(token)
    }

    pub(super) fn word(&mut self, wanted: &str) -> Result<&'a Token<'a>, Problem> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == Kind::Word => {
                self.next += 1;
                Ok(token)
            }
            _ => Err(self.expected(wanted)),
        }
    }

    pub(super) fn accept(&mut self, text: &str) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|token| token.text == text);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, texts: &[&str]) -> Result<(), Problem> {
        if texts.iter().any(|text| self.accept(text)) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{}`", texts[0])))
        }
    }

    /// The error for a next token that is not the expected one.
    fn expected(&self, wanted: &str) -> Problem {
        match self.tokens.get(self.next) {
            Some(token) => {
                let message = format!("expected {wanted}, found `{}`", token.text.escape_debug());
                self.file.problem(token.span(), message)
            }
            None => {
                let end = self.file.source.len();
                self.file.problem(end..end, format!("expected {wanted}, but the file ends"))
            }
        }
    }
}
