package dev.come.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Knows methods, filters, tests and functions; a template that comes to another one ends with the name of it. */
final class Calls {
    /** What a function is called with. */
    record Arguments(List<@Nullable Object> values, Map<String, @Nullable Object> named) {
        String text(int index) {
            if (index < values.size() && values.get(index) instanceof String text) {
                return text;
            }
            throw new UnknownTemplateException("leaves out a text that a function needs");
        }

        Arguments atMost(int count, String what) {
            if (values.size() > count || !named.isEmpty()) {
                throw new UnknownTemplateException("gives " + what + " arguments that are not known here");
            }
            return this;
        }
    }

    /** A function of the template. */
    @FunctionalInterface
    interface Function {
        @Nullable
        Object call(Arguments arguments);
    }

    private Calls() {
    }

    static @Nullable Object method(@Nullable Object of, String name, Arguments given) {
        if (of instanceof String text) {
            return ofText(text, name, given);
        }
        if (of instanceof Map<?, ?> map) {
            return switch (name) {
                case "items" ->
                    map.entrySet().stream().map(one -> (Object) pair(one.getKey(), one.getValue())).toList();
                case "keys" -> List.copyOf(map.keySet());
                case "values" -> new ArrayList<>(map.values());
                case "get" -> map.containsKey(given.text(0))
                        ? map.get(given.text(0))
                        : given.values.size() > 1 ? given.values.get(1) : null;
                default -> throw new UnknownTemplateException("uses the method " + name + " of an object");
            };
        }
        throw new UnknownTemplateException("uses the method " + name + " of " + Values.kind(of));
    }

    private static List<@Nullable Object> pair(@Nullable Object one, @Nullable Object other) {
        List<@Nullable Object> pair = new ArrayList<>();
        pair.add(one);
        pair.add(other);
        return pair;
    }

    private static Object ofText(String text, String name, Arguments given) {
        return switch (name) {
            case "strip" -> stripped(text, given, true, true);
            case "lstrip" -> stripped(text, given, true, false);
            case "rstrip" -> stripped(text, given, false, true);
            case "split" -> given.values.isEmpty() && given.named.isEmpty()
                    ? PythonStrings.words(text)
                    : PythonStrings.split(text, given.atMost(1, "split").text(0));
            case "startswith" -> text.startsWith(given.atMost(1, "startswith").text(0));
            case "endswith" -> text.endsWith(given.atMost(1, "endswith").text(0));
            case "replace" -> text.replace(given.atMost(2, "replace").text(0), given.text(1));
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            default -> throw new UnknownTemplateException("uses the method " + name + " of a text");
        };
    }

    private static String stripped(String text, Arguments given, boolean left, boolean right) {
        if (given.atMost(1, "strip").values.isEmpty()) {
            return PythonStrings.strip(text, PythonStrings::isSpace, left, right);
        }
        String gone = given.text(0);
        return PythonStrings.strip(text, point -> gone.indexOf(point) >= 0, left, right);
    }

    static @Nullable Object filter(String name, @Nullable Object value, Arguments given) {
        return switch (name) {
            case "trim" -> stripped(Values.text(value), given, true, true);
            case "length", "count" -> Values.length(value);
            case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
            case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
            case "string" -> Values.text(value);
            case "list" -> new ArrayList<>(Values.items(value));
            case "first" -> Values.part(new ArrayList<>(Values.items(value)), 0L);
            case "last" -> Values.part(new ArrayList<>(Values.items(value)), -1L);
            case "items" -> Scope.UNDEFINED.equals(value) ? List.of() : method(value, "items", given);
            case "replace" -> method(Values.text(value), "replace", given);
            case "join" -> Values.items(value).stream().map(Values::text)
                    .collect(Collectors.joining(given.values.isEmpty() ? "" : given.atMost(1, "join").text(0)));
            case "default", "d" -> defaulted(value, given);
            default -> throw new UnknownTemplateException("uses the filter " + name);
        };
    }

    private static @Nullable Object defaulted(@Nullable Object value, Arguments given) {
        boolean falseToo = given.values.size() > 1
                ? Values.truth(given.values.get(1))
                : Values.truth(given.named.getOrDefault("boolean", false));
        boolean missing = falseToo ? !Values.truth(value) : Scope.UNDEFINED.equals(value);
        return missing ? given.values.isEmpty() ? "" : given.values.getFirst() : value;
    }

    static boolean test(String name, @Nullable Object value, List<@Nullable Object> given) {
        boolean defined = !Scope.UNDEFINED.equals(value);
        return switch (name) {
            case "defined" -> defined;
            case "undefined" -> !defined;
            case "none" -> value == null;
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map;
            case "boolean" -> value instanceof Boolean;
            case "integer" -> value instanceof Long;
            case "number" -> value instanceof Long || value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            // What is not defined can be gone through in Jinja, and has a length.
            case "iterable", "sequence" -> value instanceof String || value instanceof List || value instanceof Map
                    || !defined;
            case "equalto", "eq" -> Values.same(value, given.getFirst());
            default -> throw new UnknownTemplateException("uses the test " + name);
        };
    }

    /** The functions that every template knows. */
    static Map<String, Function> functions() {
        return Map.of("namespace", given -> new LinkedHashMap<>(given.named()), //
                "dict", given -> new LinkedHashMap<>(given.named()), //
                "range", given -> switch (given.values().size()) {
                    case 1 -> numbers(0, Values.number(given.values().getFirst()));
                    case 2 -> numbers(Values.number(given.values().getFirst()), Values.number(given.values().get(1)));
                    default -> throw new UnknownTemplateException("counts in steps");
                }, "raise_exception", given -> {
                    throw new UnknownTemplateException("says of these messages: " + given.text(0));
                });
    }

    private static Object numbers(long from, long to) {
        if (Math.subtractExact(to, from) > 100_000) { // an overflow is told as what it is
            throw new UnknownTemplateException("counts beyond 100000");
        }
        return new ArrayList<Object>(LongStream.range(from, to).boxed().toList());
    }
}
