package dev.come.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.stream.LongStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** golden/rng.json: what NumPy's and Python's own generators draw. */
final class GoldenRandom {
    static final JsonNode VECTORS = read();

    private GoldenRandom() {
    }

    static long[] longs(JsonNode list) {
        return list.valueStream().flatMapToLong(value -> LongStream.of(value.asLong())).toArray();
    }

    static int[] ints(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static JsonNode read() {
        try (InputStream in = GoldenRandom.class.getResourceAsStream("/golden/rng.json")) {
            return JsonMapper.shared().readTree(Objects.requireNonNull(in));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
