//! Scalars beyond GraphQL's own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::{
    analytics::{BigInt, revenue},
    clock::Moment,
};

/// A whole number that may exceed 32 bits. A JSON number, exact up to 2^53.
#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_u64().map(BigInt).ok_or(InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// An exact decimal number, as text so that no client rounds it, such as `"19.99"`.
#[Scalar(name = "Decimal")]
impl ScalarType for revenue::Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Self::parse(text).ok_or(InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.to_string())
    }
}

/// A moment in time, to the millisecond: RFC 3339, such as `2026-11-22T14:05:00Z`. Answers are in
/// UTC; input may carry any offset.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Moment {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let at: jiff::Timestamp = text
            .parse()
            .map_err(|_| InputValueError::custom("Expected a date and time in RFC 3339 with an offset."))?;
        Ok(Moment(at.as_millisecond()))
    }

    fn to_value(&self) -> Value {
        Value::from(self.to_string())
    }
}
