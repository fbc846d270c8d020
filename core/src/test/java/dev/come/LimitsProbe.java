package dev.come;

import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Limits;
import dev.come.gguf.GgufDescription;
import dev.come.prune.PruningPlan;
import dev.come.text.Tokenizer;
import dev.come.vocabulary.TokenizerFiles;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Reads files that are as large as {@link Limits} allow, and some that are larger, in a process with the heap that the launcher
 * gives. For each it prints {@code NAME TAB SECONDS TAB OUTCOME}.
 */
final class LimitsProbe {
    private final Path folder;

    private LimitsProbe(Path folder) {
        this.folder = folder;
    }

    private interface Content {
        void write(DataOutputStream out) throws IOException;
    }

    private record Trial(String file, Content content, Function<Path, Object> read) {}

    private Map<String, Trial> trials() {
        Map<String, Trial> trials = new LinkedHashMap<>();
        trials.put("header below", header(Limits.TENSORS));
        trials.put("header above", header(1_600_000));
        trials.put("shape of millions", new Trial("model.safetensors", out -> {
            byte[] json = ("{\"t\":{\"dtype\":\"F32\",\"shape\":[1" + ",1".repeat(40_000_000) + "],"
                    + "\"data_offsets\":[0,4]}}").getBytes(StandardCharsets.US_ASCII);
            out.writeLong(Long.reverseBytes(json.length));
            out.write(json);
            out.writeInt(0);
        }, LimitsProbe::model));
        trials.put("config below", new Trial("config.json", out -> list(out, Limits.JSON_VALUES - 2),
                file -> ConfigTree.read(file).keys().size()));
        trials.put("config above", new Trial("config.json", out -> list(out, Limits.JSON_VALUES + 2),
                file -> ConfigTree.read(file).keys().size()));
        trials.put("config too long", new Trial("config.json", out -> {
            ascii(out, "{}");
            ascii(out, " ".repeat(Limits.CONFIG_BYTES));
        }, file -> ConfigTree.read(file).keys().size()));
        trials.put("number of ten million digits", new Trial("config.json",
                out -> ascii(out, "{\"hidden_size\": 1" + "0".repeat(10_000_000) + "}"),
                file -> ConfigTree.read(file).integer("hidden_size")));
        trials.put("plan below", new Trial("come.json", out -> plan(out, Limits.PLAN_BYTES),
                file -> PruningPlan.read(file).layers()));
        trials.put("plan above", new Trial("come.json", out -> plan(out, Limits.PLAN_BYTES + 10),
                file -> PruningPlan.read(file).layers()));
        trials.put("gguf list of 120 MB", new Trial("m.gguf", out -> gguf(out, Map.of("x", list -> {
            list.writeInt(0);
            list.writeLong(Long.reverseBytes(120_000_000));
            list.write(new byte[120_000_000]);
        })), LimitsProbe::gguf));
        trials.put("gguf text of 120 MB", new Trial("m.gguf", out -> gguf(out, Map.of("x", list -> {
            list.writeInt(Integer.reverseBytes(8));
            list.writeLong(Long.reverseBytes(1));
            list.writeLong(Long.reverseBytes(120_000_000));
            list.write(new byte[120_000_000]);
        })), LimitsProbe::gguf));
        trials.put("gguf tokens below", new Trial("m.gguf", out -> gguf(out, vocabulary(Limits.VOCABULARY)),
                LimitsProbe::gguf));
        trials.put("gguf tokens above", new Trial("m.gguf", out -> gguf(out, vocabulary(Limits.VOCABULARY + 1)),
                LimitsProbe::gguf));
        trials.put("pieces below", new Trial("tokenizer.model", out -> pieces(out, Limits.VOCABULARY),
                LimitsProbe::vocabulary));
        trials.put("pieces above", new Trial("tokenizer.model", out -> pieces(out, Limits.VOCABULARY + 1),
                LimitsProbe::vocabulary));
        trials.put("vocabulary below", new Trial("vocab.json", out -> words(out, Limits.VOCABULARY),
                LimitsProbe::vocabulary));
        trials.put("vocabulary above", new Trial("vocab.json", out -> words(out, Limits.VOCABULARY + 1),
                LimitsProbe::vocabulary));
        trials.put("tokenizer too long", new Trial("tokenizer.json", out -> {
            ascii(out, "{}");
            for (int i = 0; i < 128; i++) {
                out.write(new byte[1 << 20]);
            }
        }, file -> Tokenizer.open(file.resolveSibling(""))));
        return trials;
    }

    private static void ascii(DataOutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static void list(DataOutputStream out, int values) throws IOException {
        ascii(out, "{\"a\":[1000");
        for (int i = 1; i < values; i++) {
            ascii(out, ",1000");
        }
        ascii(out, "]}");
    }

    /** Tensors without data. */
    private static Trial header(int tensors) {
        return new Trial("model.safetensors", out -> {
            StringBuilder json = new StringBuilder("{");
            for (int i = 0; i < tensors; i++) {
                json.append(i == 0 ? "" : ",").append("\"t").append(i)
                        .append("\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
            }
            json.append('}');
            out.writeLong(Long.reverseBytes(json.length()));
            ascii(out, json.toString());
        }, LimitsProbe::model);
    }

    private static Object model(Path file) {
        try {
            Files.writeString(file.resolveSibling("config.json"), "{}");
            return CheckpointHeaders.read(file.resolveSibling("")).tensors().size();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A plan whose recipes list channels until so many bytes are there. */
    private static void plan(DataOutputStream out, int bytes) throws IOException {
        String recipe = "\":{\"kind\":\"concatenated\",\"query_heads\":\"grouped\",\"shares\":[{\"source\":0,"
                + "\"ratio\":0.5,\"key_value_heads\":[0],\"channels\":["
                + IntStream.range(10_000, 20_000).mapToObj(Integer::toString).collect(Collectors.joining(","))
                + "]},{\"source\":1,\"ratio\":0.5,\"key_value_heads\":[0],\"channels\":[0]}]}";
        String head = "{\"format\":\"come-plan-1\",\"layers\":3,\"steps\":[],\"evaluations\":[],\"nodes\":{";
        String tail = "}}";
        ascii(out, head);
        int written = head.length() + tail.length();
        for (int node = 1000; written + recipe.length() + 10 <= bytes; node++) {
            String entry = (node == 1000 ? "\"m" : ",\"m") + node + recipe;
            ascii(out, entry);
            written += entry.length();
        }
        ascii(out, " ".repeat(bytes - written));
        ascii(out, tail);
    }

    private static Content texts(int count, Function<Integer, String> text) {
        return out -> {
            out.writeInt(Integer.reverseBytes(8));
            out.writeLong(Long.reverseBytes(count));
            for (int i = 0; i < count; i++) {
                byte[] bytes = text.apply(i).getBytes(StandardCharsets.UTF_8);
                out.writeLong(Long.reverseBytes(bytes.length));
                out.write(bytes);
            }
        };
    }

    /** Words of three digits, and what is put together from two of them. */
    private static String word(int id) {
        String word = id < 1000 ? digits(id) : digits(id % 1000) + digits(id / 1000 % 1000);
        return id < 1_000_000 ? word : word + "x" + id;
    }

    private static String digits(int number) {
        return Integer.toString(1000 + number).substring(1);
    }

    private static String merge(int id) {
        return digits(id % 1000) + " " + digits(1 + id / 1000 % 999);
    }

    private static Map<String, Content> vocabulary(int tokens) {
        Map<String, Content> lists = new LinkedHashMap<>();
        lists.put("tokenizer.ggml.tokens", texts(tokens, LimitsProbe::word));
        lists.put("tokenizer.ggml.merges", texts(Limits.MERGES / 2, LimitsProbe::merge));
        return lists;
    }

    /** The smallest model that is read, with lists besides. */
    private static void gguf(DataOutputStream out, Map<String, Content> lists) throws IOException {
        Map<String, String> texts = Map.of("general.architecture", "llama", "tokenizer.ggml.model", "gpt2",
                "tokenizer.ggml.pre", "gpt-2");
        Map<String, Integer> numbers = Map.of("llama.block_count", 1, "llama.embedding_length", 2,
                "llama.feed_forward_length", 1, "llama.attention.head_count", 1, "llama.context_length", 8);
        Map<String, long[]> tensors = new LinkedHashMap<>();
        List.of("attn_q", "attn_k", "attn_v", "attn_output")
                .forEach(name -> tensors.put("blk.0." + name + ".weight", new long[]{2, 2}));
        List.of("ffn_gate", "ffn_up").forEach(name -> tensors.put("blk.0." + name + ".weight", new long[]{2, 1}));
        tensors.put("blk.0.ffn_down.weight", new long[]{1, 2});
        List.of("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm")
                .forEach(name -> tensors.put(name + ".weight", new long[]{2}));
        tensors.put("token_embd.weight", new long[]{2, 4});
        ascii(out, "GGUF");
        out.writeInt(Integer.reverseBytes(3));
        out.writeLong(Long.reverseBytes(tensors.size()));
        out.writeLong(Long.reverseBytes(texts.size() + numbers.size() + 1L + lists.size()));
        for (Map.Entry<String, String> text : texts.entrySet()) {
            key(out, text.getKey(), 8);
            string(out, text.getValue());
        }
        for (Map.Entry<String, Integer> number : numbers.entrySet()) {
            key(out, number.getKey(), 4);
            out.writeInt(Integer.reverseBytes(number.getValue()));
        }
        key(out, "llama.attention.layer_norm_rms_epsilon", 6);
        out.writeInt(Integer.reverseBytes(Float.floatToIntBits(1e-5f)));
        for (Map.Entry<String, Content> list : lists.entrySet()) {
            key(out, list.getKey(), 9);
            list.getValue().write(out);
        }
        long offset = 0;
        for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
            string(out, tensor.getKey());
            out.writeInt(Integer.reverseBytes(tensor.getValue().length));
            for (long size : tensor.getValue()) {
                out.writeLong(Long.reverseBytes(size));
            }
            out.writeInt(0);
            out.writeLong(Long.reverseBytes(offset));
            offset += 32;
        }
        out.write(new byte[(int) offset + 32]);
    }

    private static void key(DataOutputStream out, String name, int type) throws IOException {
        string(out, name);
        out.writeInt(Integer.reverseBytes(type));
    }

    private static void string(DataOutputStream out, String text) throws IOException {
        out.writeLong(Long.reverseBytes(text.length()));
        ascii(out, text);
    }

    private static Object gguf(Path file) {
        return GgufDescription.read(file).tokenizerJson().length() > 0;
    }

    /** A SentencePiece model whose pieces are put together from shorter ones. */
    private static void pieces(DataOutputStream out, int count) throws IOException {
        for (int id = 0; id < count; id++) {
            byte[] text = word(id).getBytes(StandardCharsets.UTF_8);
            out.writeByte(1 << 3 | 2);
            out.writeByte(2 + text.length + 5 + (id == 0 ? 2 : 0));
            out.writeByte(1 << 3 | 2);
            out.writeByte(text.length);
            out.write(text);
            out.writeByte(2 << 3 | 5);
            out.writeInt(Integer.reverseBytes(Float.floatToIntBits(-id)));
            if (id == 0) {
                out.writeByte(3 << 3);
                out.writeByte(2);
            }
        }
        out.write(new byte[]{2 << 3 | 2, 2, 3 << 3, 2});
    }

    private static void words(DataOutputStream out, int count) throws IOException {
        ascii(out, "{\"000\":0");
        for (int id = 1; id < count; id++) {
            ascii(out, ",\"" + word(id) + "\":" + id);
        }
        ascii(out, "}");
    }

    private static Object vocabulary(Path file) {
        try {
            StringBuilder merges = new StringBuilder();
            for (int id = 0; id < 1_000_000; id++) {
                merges.append(merge(id)).append('\n');
            }
            Files.writeString(file.resolveSibling("merges.txt"), merges);
            return TokenizerFiles.read(file.resolveSibling("")).orElseThrow().json().length() > 0;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void run(String name, Trial trial) throws IOException {
        Path place = Files.createDirectory(folder.resolve(name));
        Path file = place.resolve(trial.file);
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            trial.content.write(out);
        }
        long started = System.nanoTime();
        String outcome;
        try {
            outcome = "" + trial.read.apply(file);
        } catch (InvalidInputException e) {
            outcome = String.valueOf(e.getMessage());
        } catch (OutOfMemoryError e) {
            outcome = "" + e;
        }
        System.out.println(name + "\t" + (System.nanoTime() - started) / 1_000_000_000.0 + "\t" + outcome);
        try (Stream<Path> files = Files.walk(place)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    // The arguments are a folder to work in, and names of trials; without names all are made.
    public static void main(String[] arguments) throws IOException {
        LimitsProbe probe = new LimitsProbe(Path.of(arguments[0]));
        List<String> wanted = List.of(arguments).subList(1, arguments.length);
        for (Map.Entry<String, Trial> trial : probe.trials().entrySet()) {
            if (wanted.isEmpty() || wanted.contains(trial.getKey())) {
                probe.run(trial.getKey(), trial.getValue());
            }
        }
    }
}
