package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The keys and values of a GGUF file. Each read names a key and says what it expects there; what is absent or of another
 * kind is a {@link CheckpointException} that names file and key.
 *
 * @param file what messages call it
 */
record GgufMetadata(Path file, Map<String, GgufValue> values) {

    boolean has(String key) {
        return values.containsKey(key);
    }

    /** The text under the key. */
    Optional<String> text(String key) {
        return Optional.ofNullable(values.get(key)).map(value -> text(key, value));
    }

    /** The text under the key, which must be there. */
    String requiredText(String key) {
        return text(key).orElseThrow(() -> missing(key, "a text"));
    }

    /** The integer under the key, from 0 to 2^31 - 1. */
    Optional<Integer> count(String key) {
        return Optional.ofNullable(values.get(key)).map(value -> count(key, value));
    }

    /** The integer under the key, which must be there and be from 1 to 2^31 - 1. */
    int requiredCount(String key) {
        int count = count(key).orElseThrow(() -> missing(key, "an integer"));
        if (count == 0) {
            throw new CheckpointException(
                    "%s: the key '%s' is 0, where a positive integer is expected".formatted(file, key));
        }
        return count;
    }

    /**
     * The integer under a key that may hold one for each layer instead, which then must all be the same.
     *
     * @param purpose why they must be, to be said in the message
     */
    Optional<Integer> sameCount(String key, String purpose) {
        if (!(values.get(key) instanceof GgufValue.Items items)) {
            return count(key);
        }
        Limits.check(file, "the number of elements of '%s'".formatted(key), items.size(), Limits.LAYERS);
        List<Integer> distinct = items.stream().map(item -> count(key, item)).distinct().toList();
        if (distinct.size() > 1) {
            throw new CheckpointException("%s: '%s' differs from layer to layer (%s), but %s"
                    .formatted(file, key, Shown.of(distinct), purpose));
        }
        return distinct.stream().findFirst();
    }

    /** The number under the key, with or without a fraction. */
    Optional<Double> number(String key) {
        return Optional.ofNullable(values.get(key)).map(value -> number(key, value));
    }

    /** The truth value under the key. */
    Optional<Boolean> truth(String key) {
        return Optional.ofNullable(values.get(key)).map(value -> {
            if (value instanceof GgufValue.Truth(boolean truth)) {
                return truth;
            }
            throw wrong(key, "true or false", value);
        });
    }

    /**
     * The list of texts under the key.
     *
     * @param limit how many they may be
     */
    Optional<List<String>> texts(String key, int limit) {
        return items(key, limit).map(items -> items.stream().map(item -> text(key, item)).toList());
    }

    /** The list of numbers under the key, one for each token at most. */
    Optional<double[]> numbers(String key) {
        return items(key, Limits.VOCABULARY)
                .map(items -> items.stream().mapToDouble(item -> number(key, item)).toArray());
    }

    /** The list of integers under the key, one for each token at most. */
    Optional<int[]> counts(String key) {
        return items(key, Limits.VOCABULARY).map(items -> items.stream().mapToInt(item -> count(key, item)).toArray());
    }

    private Optional<GgufValue.Items> items(String key, int limit) {
        return Optional.ofNullable(values.get(key)).map(value -> {
            if (value instanceof GgufValue.Items items) {
                Limits.check(file, "the number of elements of '%s'".formatted(key), items.size(), limit);
                return items;
            }
            throw wrong(key, "a list", value);
        });
    }

    private String text(String key, GgufValue value) {
        if (value instanceof GgufValue.Text(String text)) {
            return text;
        }
        throw wrong(key, "a text", value);
    }

    private int count(String key, GgufValue value) {
        if (value instanceof GgufValue.Whole(long whole) && whole >= 0 && whole <= Integer.MAX_VALUE) {
            return (int) whole;
        }
        throw wrong(key, "an integer from 0 to 2147483647", value);
    }

    private double number(String key, GgufValue value) {
        return switch (value) {
            case GgufValue.Whole(long whole) -> whole;
            case GgufValue.Fraction(double number) when Double.isFinite(number) -> number;
            case GgufValue.Fraction _,GgufValue.Text _,GgufValue.Truth _,GgufValue.Items _,GgufValue.Lists _ ->
                throw wrong(key, "a finite number", value);
        };
    }

    private CheckpointException missing(String key, String expected) {
        return new CheckpointException("%s: the key '%s' is missing; it must be %s".formatted(file, key, expected));
    }

    private CheckpointException wrong(String key, String expected, GgufValue found) {
        return new CheckpointException(
                "%s: the key '%s' must be %s, but is %s".formatted(file, key, expected, found.kind()));
    }
}
