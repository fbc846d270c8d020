package dev.come.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What values do in a template: texts, whole numbers (Long), truth values, lists, maps, None (null) and what is not defined.
 */
final class Values {
    private Values() {
    }

    static boolean truth(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean truth -> truth;
            case Long number -> number != 0;
            case String text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> !Scope.UNDEFINED.equals(value);
        };
    }

    /** As it is printed. */
    static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean truth -> truth ? "True" : "False";
            case Long number -> number.toString();
            case String text -> text;
            default -> {
                if (Scope.UNDEFINED.equals(value)) {
                    yield "";
                }
                throw new UnknownTemplateException("prints " + kind(value));
            }
        };
    }

    static String kind(@Nullable Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean _ -> "a truth value";
            case Long _ -> "a number";
            case String _ -> "a text";
            case List<?> _ -> "a list";
            case Map<?, ?> _ -> "an object";
            default -> Scope.UNDEFINED.equals(value) ? "what is not defined" : "a function";
        };
    }

    static boolean same(@Nullable Object one, @Nullable Object other) {
        if (one instanceof Boolean truth) {
            return same(truth ? 1L : 0L, other instanceof Boolean second ? (second ? 1L : 0L) : other);
        }
        return other instanceof Boolean ? same(other, one) : Objects.equals(one, other);
    }

    static @Nullable Object plus(@Nullable Object one, @Nullable Object other) {
        if (one instanceof String first && other instanceof String second) {
            return first + second;
        }
        if (one instanceof Long first && other instanceof Long second) {
            return Math.addExact(first, second);
        }
        if (one instanceof List<?> first && other instanceof List<?> second) {
            List<@Nullable Object> all = new ArrayList<>(first);
            all.addAll(second);
            return all;
        }
        throw new UnknownTemplateException("adds " + kind(other) + " to " + kind(one));
    }

    static long number(@Nullable Object value) {
        if (value instanceof Long number) {
            return number;
        }
        throw new UnknownTemplateException("calculates with " + kind(value));
    }

    static int compare(@Nullable Object one, @Nullable Object other) {
        if (one instanceof Long first && other instanceof Long second) {
            return first.compareTo(second);
        }
        throw new UnknownTemplateException("compares " + kind(one) + " with " + kind(other));
    }

    static boolean in(@Nullable Object part, @Nullable Object whole) {
        return switch (whole) {
            case String text when part instanceof String piece -> text.contains(piece);
            case List<?> list -> list.stream().anyMatch(one -> same(one, part));
            case Map<?, ?> map -> map.containsKey(part);
            case null, default -> {
                if (Scope.UNDEFINED.equals(whole)) {
                    yield false;
                }
                throw new UnknownTemplateException("looks for " + kind(part) + " in " + kind(whole));
            }
        };
    }

    /** What a loop goes through. */
    static List<?> items(@Nullable Object value) {
        return switch (value) {
            case List<?> list -> list;
            case String text -> PythonStrings.characters(text);
            case Map<?, ?> map -> List.copyOf(map.keySet());
            case null, default -> {
                if (Scope.UNDEFINED.equals(value)) {
                    yield List.of();
                }
                throw new UnknownTemplateException("goes through " + kind(value));
            }
        };
    }

    static long length(@Nullable Object value) {
        if (value == null || value instanceof Long || value instanceof Boolean) {
            throw new UnknownTemplateException("asks how long " + kind(value) + " is");
        }
        return items(value).size();
    }

    /** {@code of[key]}, or {@code of.key}. */
    static @Nullable Object part(@Nullable Object of, @Nullable Object key) {
        if (Scope.UNDEFINED.equals(of)) {
            throw new UnknownTemplateException("asks for '" + key + "' of what is not defined");
        }
        if (of instanceof Map<?, ?> map) {
            return map.containsKey(key) ? map.get(key) : Scope.UNDEFINED;
        }
        if (key instanceof Long index && (of instanceof List<?> || of instanceof String)) {
            List<?> list = items(of);
            long at = index < 0 ? index + list.size() : index;
            return at >= 0 && at < list.size() ? list.get((int) at) : Scope.UNDEFINED;
        }
        return Scope.UNDEFINED;
    }

    /** {@code of[from:to:step]}, as Python counts. */
    static Object slice(@Nullable Object of, @Nullable Object from, @Nullable Object to, @Nullable Object by) {
        if (!(of instanceof List<?> || of instanceof String)) {
            throw new UnknownTemplateException("takes a part of " + kind(of));
        }
        List<?> list = items(of);
        long step = by == null ? 1 : number(by);
        if (step == 0) {
            throw new UnknownTemplateException("goes through a part in steps of 0");
        }
        long least = step > 0 ? 0 : -1;
        long most = step > 0 ? list.size() : list.size() - 1L;
        long begin = from == null ? (step > 0 ? least : most) : bound(number(from), list.size(), least, most);
        long end = to == null ? (step > 0 ? most : least) : bound(number(to), list.size(), least, most);
        List<@Nullable Object> part = new ArrayList<>();
        for (long i = begin; step > 0 ? i < end : i > end; i += step) {
            part.add(list.get((int) i));
        }
        return of instanceof String ? PythonStrings.joined(part) : part;
    }

    private static long bound(long index, int size, long least, long most) {
        return Math.clamp(index < 0 ? index + size : index, least, most);
    }
}
