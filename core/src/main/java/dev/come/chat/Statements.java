package dev.come.chat;

import dev.come.chat.Expressions.Expression;
import dev.come.chat.Token.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the statements of a template. */
final class Statements {
    /** A part of a template. */
    @FunctionalInterface
    interface Statement {
        void render(Scope scope, StringBuilder out);
    }

    private final Tokens tokens;
    private final Expressions expressions;

    Statements(List<Token> all) {
        tokens = new Tokens(all);
        expressions = new Expressions(tokens);
    }

    Statement whole() {
        return until(Set.of());
    }

    /** What stands before a statement with one of these names, whose tag is begun and not read. */
    private Statement until(Set<String> names) {
        List<Statement> all = new ArrayList<>();
        while (true) {
            Token token = tokens.peek();
            if (token.kind() == Kind.EOF
                    || (token.kind() == Kind.STATEMENT && names.contains(tokens.peek(1).text()))) {
                return (scope, out) -> all.forEach(one -> one.render(scope, out));
            }
            tokens.next();
            if (token.kind() == Kind.DATA) {
                all.add((_, out) -> out.append(token.text()));
            } else if (token.kind() == Kind.PRINT) {
                Expression value = expressions.read();
                tokens.end();
                all.add((scope, out) -> out.append(Values.text(value.value(scope))));
            } else {
                all.add(statement(tokens.name()));
            }
        }
    }

    private Statement statement(String name) {
        return switch (name) {
            case "if" -> condition();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "generation" -> { // says where the answer is, and prints nothing of its own
                tokens.end();
                Statement body = until(Set.of("endgeneration"));
                end("endgeneration");
                yield body;
            }
            default -> throw new UnknownTemplateException("uses the statement " + name);
        };
    }

    private void end(String name) {
        tokens.next();
        if (!tokens.takeName(name)) {
            throw new UnknownTemplateException("ends before its " + name);
        }
        tokens.end();
    }

    private Statement condition() {
        Expression condition = expressions.read();
        tokens.end();
        Statement then = until(Set.of("elif", "else", "endif"));
        Statement otherwise = otherwise();
        return (scope, out) -> (Values.truth(condition.value(scope)) ? then : otherwise).render(scope, out);
    }

    private Statement otherwise() {
        tokens.next();
        if (tokens.takeName("elif")) {
            return condition();
        }
        if (tokens.takeName("else")) {
            tokens.end();
            Statement otherwise = until(Set.of("endif"));
            end("endif");
            return otherwise;
        }
        if (!tokens.takeName("endif")) {
            throw new UnknownTemplateException("ends before its endif");
        }
        tokens.end();
        return (_, _) -> {
        };
    }

    private Statement loop() {
        List<String> names = new ArrayList<>(List.of(tokens.name()));
        while (tokens.takeSign(",")) {
            names.add(tokens.name());
        }
        if (!tokens.takeName("in")) {
            throw new UnknownTemplateException("has a loop without 'in'");
        }
        Expression over = expressions.or();
        @Nullable
        Expression wanted = tokens.takeName("if") ? expressions.read() : null;
        tokens.end();
        Statement body = until(Set.of("else", "endfor"));
        if (tokens.peek(1).is(Kind.NAME, "else")) {
            throw new UnknownTemplateException("has a loop with an else");
        }
        end("endfor");
        return (scope, out) -> {
            List<@Nullable Object> items = new ArrayList<>();
            for (Object item : Values.items(over.value(scope))) {
                Scope inside = new Scope(scope);
                assign(names, item, inside);
                if (wanted == null || Values.truth(wanted.value(inside))) {
                    items.add(item);
                }
            }
            for (int i = 0; i < items.size(); i++) {
                Scope inside = new Scope(scope);
                assign(names, items.get(i), inside);
                inside.set("loop", loop(items, i));
                body.render(inside, out);
            }
        };
    }

    private static void assign(List<String> names, @Nullable Object item, Scope scope) {
        if (names.size() == 1) {
            scope.set(names.getFirst(), item);
            return;
        }
        if (!(item instanceof List<?> list) || list.size() != names.size()) {
            throw new UnknownTemplateException("takes " + Values.kind(item) + " apart");
        }
        for (int i = 0; i < names.size(); i++) {
            scope.set(names.get(i), list.get(i));
        }
    }

    private static Map<String, @Nullable Object> loop(List<@Nullable Object> items, int i) {
        Map<String, @Nullable Object> loop = new HashMap<>();
        loop.put("index", i + 1L);
        loop.put("index0", (long) i);
        loop.put("revindex", (long) items.size() - i);
        loop.put("revindex0", items.size() - i - 1L);
        loop.put("length", (long) items.size());
        loop.put("first", i == 0);
        loop.put("last", i == items.size() - 1);
        loop.put("previtem", i == 0 ? Scope.UNDEFINED : items.get(i - 1));
        loop.put("nextitem", i == items.size() - 1 ? Scope.UNDEFINED : items.get(i + 1));
        return loop;
    }

    private Statement assignment() {
        String name = tokens.name();
        @Nullable
        String field = tokens.takeSign(".") ? tokens.name() : null;
        if (!tokens.takeSign("=")) {
            if (field != null || tokens.peek().kind() != Kind.END) {
                throw new UnknownTemplateException("sets several names at once");
            }
            tokens.end();
            Statement body = until(Set.of("endset"));
            end("endset");
            return (scope, _) -> {
                StringBuilder text = new StringBuilder();
                body.render(new Scope(scope), text);
                scope.set(name, text.toString());
            };
        }
        Expression value = expressions.read();
        tokens.end();
        if (field == null) {
            return (scope, _) -> scope.set(name, value.value(scope));
        }
        return (scope, _) -> {
            if (!(scope.get(name) instanceof LinkedHashMap<?, ?> namespace)) {
                throw new UnknownTemplateException("sets a field of what is no namespace");
            }
            @SuppressWarnings("unchecked")
            Map<String, @Nullable Object> fields = (Map<String, @Nullable Object>) namespace;
            fields.put(field, value.value(scope));
        };
    }

    private Statement macro() {
        String name = tokens.name();
        tokens.expectSign("(");
        Map<String, Expression> parameters = new LinkedHashMap<>();
        while (!tokens.takeSign(")")) {
            String parameter = tokens.name();
            parameters.put(parameter, tokens.takeSign("=") ? expressions.read() : _ -> Scope.UNDEFINED);
            if (!tokens.peek().is(Kind.SIGN, ")")) {
                tokens.expectSign(",");
            }
        }
        tokens.end();
        Statement body = until(Set.of("endmacro"));
        end("endmacro");
        return (scope, _) -> {
            Calls.Function function = given -> {
                Scope inside = new Scope(scope);
                int i = 0;
                for (Map.Entry<String, Expression> parameter : parameters.entrySet()) {
                    inside.set(parameter.getKey(), i < given.values().size()
                            ? given.values().get(i)
                            : given.named().containsKey(parameter.getKey())
                                    ? given.named().get(parameter.getKey())
                                    : parameter.getValue().value(scope));
                    i++;
                }
                StringBuilder text = new StringBuilder();
                body.render(inside, text);
                return text.toString();
            };
            scope.set(name, function);
        };
    }
}
