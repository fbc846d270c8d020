package dev.come.chat;

import dev.come.chat.Calls.Arguments;
import dev.come.chat.Expressions.Expression;
import dev.come.chat.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what operators stand between: values with the parts, calls, filters and tests behind them. */
final class Operands {
    private static final Set<Kind> BEGINS = Set.of(Kind.NAME, Kind.INTEGER, Kind.STRING);

    private final Tokens tokens;
    private final Expressions expressions;

    Operands(Tokens tokens, Expressions expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    Expression read() {
        return unary(true);
    }

    private Expression unary(boolean filters) {
        if (tokens.takeSign("-")) {
            Expression value = unary(false);
            return filtered(scope -> Math.negateExact(Values.number(value.value(scope))), filters);
        }
        return filtered(parts(primary()), filters);
    }

    private Expression filtered(Expression first, boolean filters) {
        Expression value = first;
        while (filters) {
            Expression of = value;
            if (tokens.takeSign("|")) {
                String name = tokens.name();
                Given given = tokens.peek().is(Kind.SIGN, "(") ? arguments() : new Given(List.of(), Map.of());
                value = scope -> Calls.filter(name, of.value(scope), given.in(scope));
            } else if (tokens.takeName("is")) {
                boolean not = tokens.takeName("not");
                String name = tokens.name();
                List<Expression> given = testArguments();
                value = scope -> {
                    List<@Nullable Object> values = new ArrayList<>();
                    given.forEach(one -> values.add(one.value(scope)));
                    return not != Calls.test(name, of.value(scope), values);
                };
            } else {
                return value;
            }
        }
        return value;
    }

    private List<Expression> testArguments() {
        Token next = tokens.peek();
        if (next.is(Kind.SIGN, "(")) {
            return arguments().values;
        }
        boolean begins = BEGINS.contains(next.kind())
                && !(next.kind() == Kind.NAME
                        && Set.of("else", "or", "and", "is", "if", "not", "in").contains(next.text()));
        return begins ? List.of(parts(primary())) : List.of();
    }

    private Expression primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case STRING -> constant(strings(token));
            case INTEGER -> constant(number(token));
            case NAME -> switch (token.text()) {
                case "true", "True" -> constant(true);
                case "false", "False" -> constant(false);
                case "none", "None" -> constant(null);
                default -> scope -> scope.get(token.text());
            };
            default -> bracketed(token);
        };
    }

    private static Expression constant(@Nullable Object value) {
        return _ -> value;
    }

    /** Texts beside each other are one. */
    private String strings(Token first) {
        StringBuilder text = new StringBuilder(first.text());
        while (tokens.peek().kind() == Kind.STRING) {
            text.append(tokens.next().text());
        }
        return text.toString();
    }

    private static long number(Token token) {
        try {
            return Long.parseLong(token.text());
        } catch (NumberFormatException e) {
            throw new UnknownTemplateException("uses the number " + token.text());
        }
    }

    private Expression bracketed(Token token) {
        if (token.is(Kind.SIGN, "(")) {
            Expression value = expressions.read();
            tokens.expectSign(")");
            return value;
        }
        if (token.is(Kind.SIGN, "[")) {
            List<Expression> items = new ArrayList<>();
            while (!tokens.takeSign("]")) {
                items.add(expressions.read());
                if (!tokens.peek().is(Kind.SIGN, "]")) {
                    tokens.expectSign(",");
                }
            }
            return scope -> {
                List<@Nullable Object> values = new ArrayList<>();
                items.forEach(item -> values.add(item.value(scope)));
                return values;
            };
        }
        if (token.is(Kind.SIGN, "{")) {
            Map<String, Expression> fields = new LinkedHashMap<>();
            while (!tokens.takeSign("}")) {
                String key = tokens.string();
                tokens.expectSign(":");
                fields.put(key, expressions.read());
                if (!tokens.peek().is(Kind.SIGN, "}")) {
                    tokens.expectSign(",");
                }
            }
            return scope -> {
                Map<String, @Nullable Object> values = new LinkedHashMap<>();
                fields.forEach((key, field) -> values.put(key, field.value(scope)));
                return values;
            };
        }
        throw new UnknownTemplateException("has '" + token.text() + "' where a value is expected");
    }

    /** Fields, items, parts and calls behind a value. */
    private Expression parts(Expression first) {
        Expression value = first;
        while (true) {
            Expression of = value;
            if (tokens.takeSign(".")) {
                String name = tokens.name();
                if (tokens.peek().is(Kind.SIGN, "(")) {
                    Given given = arguments();
                    value = scope -> Calls.method(of.value(scope), name, given.in(scope));
                } else {
                    value = scope -> Values.part(of.value(scope), name);
                }
            } else if (tokens.takeSign("[")) {
                value = item(of);
            } else if (tokens.peek().is(Kind.SIGN, "(")) {
                Given given = arguments();
                value = scope -> {
                    if (of.value(scope) instanceof Calls.Function function) {
                        return function.call(given.in(scope));
                    }
                    throw new UnknownTemplateException("calls a function that is not known here");
                };
            } else {
                return value;
            }
        }
    }

    private Expression item(Expression of) {
        List<@Nullable Expression> bounds = new ArrayList<>();
        boolean slice = false;
        @Nullable
        Expression bound = null;
        while (!tokens.takeSign("]")) {
            if (tokens.takeSign(":")) {
                bounds.add(bound);
                bound = null;
                slice = true;
            } else {
                bound = expressions.read();
            }
        }
        bounds.add(bound);
        if (!slice) {
            Expression index = bound;
            if (index == null) {
                throw new UnknownTemplateException("has brackets with nothing in them");
            }
            return scope -> Values.part(of.value(scope), index.value(scope));
        }
        return scope -> Values.slice(of.value(scope), bound(bounds, 0, scope), bound(bounds, 1, scope),
                bound(bounds, 2, scope));
    }

    private static @Nullable Object bound(List<@Nullable Expression> bounds, int index, Scope scope) {
        Expression bound = index < bounds.size() ? bounds.get(index) : null;
        return bound == null ? null : bound.value(scope);
    }

    /** Arguments before their values are known. */
    private record Given(List<Expression> values, Map<String, Expression> named) {
        Arguments in(Scope scope) {
            List<@Nullable Object> known = new ArrayList<>();
            values.forEach(value -> known.add(value.value(scope)));
            Map<String, @Nullable Object> byName = new LinkedHashMap<>();
            named.forEach((name, value) -> byName.put(name, value.value(scope)));
            return new Arguments(known, byName);
        }
    }

    private Given arguments() {
        tokens.expectSign("(");
        List<Expression> values = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!tokens.takeSign(")")) {
            if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).is(Kind.SIGN, "=")) {
                String name = tokens.name();
                tokens.next();
                named.put(name, expressions.read());
            } else {
                values.add(expressions.read());
            }
            if (!tokens.peek().is(Kind.SIGN, ")")) {
                tokens.expectSign(",");
            }
        }
        return new Given(values, named);
    }
}
