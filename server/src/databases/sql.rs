//! Statements with names: `:player` becomes what the database calls a parameter.

use super::url::Dialect;

/// A statement of the database's own dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) sql: String,
    /// The name of each parameter, in the order in which values are bound.
    pub(crate) names: Vec<String>,
}

impl Named {
    /// Texts, quoted names, comments and casts (`::`) are left as they are.
    pub(crate) fn new(sql: &str, dialect: Dialect) -> Self {
        let mut named = Self {
            sql: String::with_capacity(sql.len()),
            names: Vec::new(),
        };
        let mut rest = sql;
        while !rest.is_empty() {
            let quoted = quoted(rest, dialect);
            if quoted > 0 {
                named.sql.push_str(&rest[..quoted]);
                rest = &rest[quoted..];
            } else if let Some(after) = rest.strip_prefix("::") {
                named.sql.push_str("::");
                rest = after;
            } else if let Some(name) = name_of(rest) {
                named.put(name, dialect);
                rest = &rest[1 + name.len()..];
            } else {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                named.sql.push_str(&rest[..next]);
                rest = &rest[next..];
            }
        }
        let is_end = |c: char| c == ';' || c.is_whitespace();
        let end = named.sql.trim_end_matches(is_end).len();
        named.sql.truncate(end);
        named
    }

    fn put(&mut self, name: &str, dialect: Dialect) {
        if dialect != Dialect::Postgres {
            self.sql.push('?');
            self.names.push(name.to_owned());
            return;
        }
        let known = self.names.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.sql += &format!("${}", at + 1);
    }
}

/// The name after a colon, if one begins here.
fn name_of(text: &str) -> Option<&str> {
    let name = text.strip_prefix(':')?;
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins.then(|| &name[..end])
}

/// How many bytes from here on are text, a quoted name or a comment.
fn quoted(text: &str, dialect: Dialect) -> usize {
    let until = |begin: &str, end: &str| {
        let inside = text.strip_prefix(begin)?;
        let end = inside.find(end).map_or(inside.len(), |at| at + end.len());
        Some(begin.len() + end)
    };
    let quote = text.chars().next().filter(|c| "'\"`".contains(*c));
    if let Some(quote) = quote {
        return string(text, quote, dialect == Dialect::MySql && quote != '`');
    }
    let dollar = || {
        let tag = &text[..text.strip_prefix('$')?.find('$')? + 2];
        let is_tag = tag[1..tag.len() - 1]
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
        (dialect == Dialect::Postgres && is_tag).then(|| until(tag, tag))?
    };
    until("--", "\n")
        .or_else(|| until("/*", "*/"))
        .or_else(dollar)
        .unwrap_or(0)
}

/// A doubled quote is two texts beside each other, which comes to the same.
fn string(text: &str, quote: char, escapes: bool) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if escapes => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dialect: Dialect, sql: &str, expected: &str, names: &[&str]) {
        let named = Named::new(sql, dialect);
        assert_eq!(named.sql, expected);
        assert_eq!(named.names, names);
    }

    #[test]
    fn names_become_parameters() {
        let sql = "select a from t where b = :b and c = :c_2 or d = :b ; ";
        let numbered = "select a from t where b = $1 and c = $2 or d = $1";
        check(Dialect::Postgres, sql, numbered, &["b", "c_2"]);
        let marked = "select a from t where b = ? and c = ? or d = ?";
        check(Dialect::Sqlite, sql, marked, &["b", "c_2", "b"]);
        check(Dialect::MySql, sql, marked, &["b", "c_2", "b"]);
    }

    #[test]
    fn what_is_no_name_stays() {
        for sql in [
            "select ':a', \":a\", `:a`, 'it''s :a'",
            "select 1 -- :a\n+ 1 /* :a */",
            "select x::text, y[1:2], ': a', 12:30",
            "select ':a",
            "select 'ä:b' as ü",
        ] {
            for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql] {
                check(dialect, sql, sql, &[]);
            }
        }
        let sql = "select $$ :a $$, $x$ :a $ $x$, :b";
        let expected = "select $$ :a $$, $x$ :a $ $x$, $1";
        check(Dialect::Postgres, sql, expected, &["b"]);
        let sql = r"select 'it\'s :a', :b";
        check(Dialect::MySql, sql, r"select 'it\'s :a', ?", &["b"]);
        // Elsewhere a backslash is only that, and the text has ended.
        let sql = r"select 'a\', :b";
        check(Dialect::Sqlite, sql, r"select 'a\', ?", &["b"]);
    }
}
