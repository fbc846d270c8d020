package dev.come.chat;

import dev.come.chat.Token.Kind;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads expressions with Jinja's precedence; the weakest come first here. */
final class Expressions {
    /** What a value is worked out by. */
    @FunctionalInterface
    interface Expression {
        @Nullable
        Object value(Scope scope);
    }

    private final Tokens tokens;
    private final Operands operands;

    Expressions(Tokens tokens) {
        this.tokens = tokens;
        this.operands = new Operands(tokens, this);
    }

    Expression read() {
        Expression value = or();
        while (tokens.takeName("if")) {
            Expression then = value;
            Expression condition = or();
            Expression otherwise = tokens.takeName("else") ? read() : _ -> Scope.UNDEFINED;
            value = scope -> Values.truth(condition.value(scope)) ? then.value(scope) : otherwise.value(scope);
        }
        return value;
    }

    /** Without an {@code if} behind it, which belongs to a loop there. */
    Expression or() {
        Expression left = and();
        while (tokens.takeName("or")) {
            Expression one = left;
            Expression other = and();
            left = scope -> {
                Object first = one.value(scope);
                return Values.truth(first) ? first : other.value(scope);
            };
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.takeName("and")) {
            Expression one = left;
            Expression other = not();
            left = scope -> {
                Object first = one.value(scope);
                return Values.truth(first) ? other.value(scope) : first;
            };
        }
        return left;
    }

    private Expression not() {
        if (tokens.takeName("not")) {
            Expression value = not();
            return scope -> !Values.truth(value.value(scope));
        }
        return compared();
    }

    private Expression compared() {
        Expression one = sum();
        Token next = tokens.peek();
        boolean notIn = next.is(Kind.NAME, "not") && tokens.peek(1).is(Kind.NAME, "in");
        boolean compares = next.kind() == Kind.SIGN && Set.of("==", "!=", "<", "<=", ">", ">=").contains(next.text());
        if (!notIn && !compares && !next.is(Kind.NAME, "in")) {
            return one;
        }
        tokens.next();
        if (notIn) {
            tokens.next();
        }
        Expression other = sum();
        Token chained = tokens.peek();
        if (chained.kind() == Kind.SIGN && Set.of("==", "!=", "<", "<=", ">", ">=").contains(chained.text())) {
            throw new UnknownTemplateException("compares three values at once");
        }
        String how = notIn ? "not in" : next.text();
        return scope -> compared(how, one.value(scope), other.value(scope));
    }

    private static boolean compared(String how, @Nullable Object one, @Nullable Object other) {
        return switch (how) {
            case "==" -> Values.same(one, other);
            case "!=" -> !Values.same(one, other);
            case "<" -> Values.compare(one, other) < 0;
            case "<=" -> Values.compare(one, other) <= 0;
            case ">" -> Values.compare(one, other) > 0;
            case ">=" -> Values.compare(one, other) >= 0;
            case "in" -> Values.in(one, other);
            default -> !Values.in(one, other);
        };
    }

    private Expression sum() {
        Expression left = joined();
        while (true) {
            Expression one = left;
            if (tokens.takeSign("+")) {
                Expression other = joined();
                left = scope -> Values.plus(one.value(scope), other.value(scope));
            } else if (tokens.takeSign("-")) {
                Expression other = joined();
                left = scope -> Math.subtractExact(Values.number(one.value(scope)), Values.number(other.value(scope)));
            } else {
                return left;
            }
        }
    }

    private Expression joined() {
        Expression left = product();
        while (tokens.takeSign("~")) {
            Expression one = left;
            Expression other = product();
            left = scope -> Values.text(one.value(scope)) + Values.text(other.value(scope));
        }
        return left;
    }

    private Expression product() {
        Expression left = operands.read();
        while (true) {
            Expression one = left;
            if (tokens.takeSign("%")) {
                Expression other = operands.read();
                left = scope -> Math.floorMod(Values.number(one.value(scope)), divisor(other.value(scope)));
            } else if (tokens.takeSign("//")) {
                Expression other = operands.read();
                left = scope -> Math.floorDiv(Values.number(one.value(scope)), divisor(other.value(scope)));
            } else if (tokens.takeSign("*")) {
                Expression other = operands.read();
                left = scope -> Math.multiplyExact(Values.number(one.value(scope)), Values.number(other.value(scope)));
            } else {
                return left;
            }
        }
    }

    private static long divisor(@Nullable Object value) {
        if (Values.number(value) == 0) {
            throw new UnknownTemplateException("divides by 0");
        }
        return Values.number(value);
    }
}
