package dev.come;

import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Golden values: numbers of an independent implementation in Python, with the definitions that the project follows. The
 * folder lies in the test resources; its README tells what each file holds.
 */
public final class Golden {
    /** The golden models, of all families that they are for. */
    public static final List<String> MODELS = List.of("llama-mha", "llama-gqa", "llama-mqa", "llama3-rope",
            "llama-bias", "llama-bf16-sharded", "llama-fp16", "llama-deep", "mistral-gqa", "qwen2", "qwen3", "opt",
            "opt-350m-like");

    private static final Path ROOT = Path.of("src/test/resources/golden").toAbsolutePath();
    private static final JsonMapper JSON = new JsonMapper();

    private Golden() {
    }

    /** The folder of a golden model. */
    public static Path model(String name) {
        return ROOT.resolve("models").resolve(name);
    }

    /** A model of the golden folder, or of the fixtures of families that it does not cover. */
    public static Path familyModel(String name) {
        Path golden = model(name);
        return Files.isDirectory(golden)
                ? golden
                : Path.of("src/test/resources/fixtures/families", name).toAbsolutePath();
    }

    /** A JSON file below the golden folder. */
    public static JsonNode json(String file) {
        return JSON.readTree(ROOT.resolve(file));
    }

    /** What is expected of a model, as JSON. */
    public static JsonNode expected(String model, String file) {
        return json("expected/" + model + "/" + file);
    }

    /** A tensor of what is expected of a model. */
    public static Values expected(String model, String file, String tensor) {
        return tensor(ROOT.resolve("expected").resolve(model).resolve(file), tensor);
    }

    /** Token ids in a safetensors file below the golden folder. */
    public static int[] ids(String file, String tensor) {
        return Arrays.stream(tensor(ROOT.resolve(file), tensor).values()).mapToInt(id -> (int) id).toArray();
    }

    /** One of the shared inputs as sequences; a mask strips the padding. */
    public static Sequences sequences(String ids, String mask) {
        Path file = ROOT.resolve("inputs.safetensors");
        Values tokens = tensor(file, ids);
        double[] real = mask.isEmpty() ? tokens.values().clone() : tensor(file, mask).values();
        if (mask.isEmpty()) {
            Arrays.fill(real, 1);
        }
        int width = tokens.shape().getLast();
        List<int[]> sequences = new ArrayList<>();
        for (int row = 0; row < tokens.values().length / width; row++) {
            int start = row * width;
            int length = (int) Arrays.stream(real, start, start + width).sum();
            sequences.add(Arrays.stream(tokens.values(), start, start + length).mapToInt(id -> (int) id).toArray());
        }
        return Sequences.of(sequences);
    }

    /** The calibration set of all golden scores and runs. */
    public static Sequences calibration() {
        return sequences("calib_ids", "");
    }

    /** The same sequences from the last to the first. */
    public static Sequences reversed(Sequences sequences) {
        List<int[]> reversed = new ArrayList<>();
        for (int i = sequences.count() - 1; i >= 0; i--) {
            reversed.add(sequences.sequence(i));
        }
        return Sequences.of(reversed);
    }

    /** Doubles of a JSON array; null becomes positive infinity, which is how a forbidden choice is told. */
    public static List<Double> doubles(JsonNode array) {
        List<Double> values = new ArrayList<>();
        array.forEach(value -> values.add(value.isNull() ? Double.POSITIVE_INFINITY : value.asDouble()));
        return values;
    }

    /** Integers of a JSON array. */
    public static List<Integer> integers(JsonNode array) {
        List<Integer> values = new ArrayList<>();
        array.forEach(value -> values.add(value.asInt()));
        return values;
    }

    /** A tensor read without the code under test. */
    public record Values(List<Integer> shape, double[] values) {
        /** The slice at an index of the first dimension. */
        public Values slice(int index) {
            int size = values.length / shape.getFirst();
            return new Values(shape.subList(1, shape.size()),
                    Arrays.copyOfRange(values, index * size, (index + 1) * size));
        }
    }

    /** A tensor in a safetensors file below the golden folder. */
    public static Values tensor(String file, String name) {
        return tensor(ROOT.resolve(file), name);
    }

    /** Reads a tensor of a safetensors file. */
    public static Values tensor(Path file, String name) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[(int) bytes.getLong()];
            bytes.get(header);
            JsonNode entry = JSON.readTree(header).path(name);
            if (entry.isMissingNode()) {
                throw new IllegalArgumentException(file + " has no " + name);
            }
            ByteBuffer data = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
            data.position(entry.get("data_offsets").get(0).asInt());
            List<Integer> shape = integers(entry.get("shape"));
            double[] values = new double[shape.stream().reduce(1, Math::multiplyExact)];
            for (int i = 0; i < values.length; i++) {
                values[i] = switch (entry.get("dtype").asString()) {
                    case "F32" -> data.getFloat();
                    case "F64" -> data.getDouble();
                    case "I64" -> data.getLong();
                    case "I32" -> data.getInt();
                    default -> throw new IllegalArgumentException(file + ": " + entry);
                };
            }
            return new Values(shape, values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
