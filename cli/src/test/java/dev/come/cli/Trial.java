package dev.come.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;

/** A small model, a text and the whole command, run as a user would. */
final class Trial {
    private static final Path FIXTURES = Path.of(System.getProperty("come.root"), "core/src/test/resources");

    /** The environment of a user without a network, whose cache of the hub is empty. */
    static final Map<String, String> OFFLINE = Map.of("HF_HUB_OFFLINE", "1", "HF_HOME", "target/no-such-cache");

    final Path folder;
    final Path model;
    final Path text;

    /** A copy of a golden model of six layers with a tokenizer of words. */
    Trial(Path folder) throws IOException {
        this.folder = folder;
        this.model = Files.createDirectories(folder.resolve("model"));
        try (Stream<Path> files = Files.list(FIXTURES.resolve("golden/models/llama-gqa"))) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName().toString()));
            }
        }
        Files.copy(FIXTURES.resolve("fixtures/words/tokenizer.json"), model.resolve("tokenizer.json"));
        this.text = Files.writeString(folder.resolve("text.txt"), text(20));
    }

    static String text(int paragraphs) {
        Random random = new Random(7);
        return Stream.generate(() -> random.ints(40, 3, 128).mapToObj(word -> "w" + word)
                .collect(Collectors.joining(" "))).limit(paragraphs).collect(Collectors.joining("\n\n", "", "\n"));
    }

    /** What came of a command. */
    record Outcome(int exitCode, String out, String err) {}

    /** The arguments of a run that works; what is given besides comes last and wins. */
    List<String> prune(String... more) {
        List<String> arguments = new ArrayList<>(List.of("prune", "--method", "concat_merge", "--model-name",
                model.toString(), "--save-path", folder.resolve("out").toString(), "--nsamples", "12", "--seqlen", "32",
                "--threads", "1"));
        if (!List.of(more).contains("--calibration-dataset")) { // which grows
            arguments.addAll(List.of("--calibration-dataset", text.toString()));
        }
        if (!List.of(more).contains("--target-layers")) {
            arguments.addAll(List.of("--target-layers", "3"));
        }
        arguments.addAll(List.of(more));
        return arguments;
    }

    static Outcome run(List<String> arguments) {
        return run(OFFLINE, arguments);
    }

    static Outcome run(Map<String, String> environment, List<String> arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        // As picocli has them: what is printed is seen once a line has ended or somebody has said so.
        CommandLine command = Main.commandLine(environment).setOut(new PrintWriter(new BufferedWriter(out), true))
                .setErr(new PrintWriter(new BufferedWriter(err), true));
        return new Outcome(Main.run(command, arguments.toArray(String[]::new)), out.toString(), err.toString());
    }

    /** What tells of times, which no two runs share. */
    private static final Set<String> TIMES = Set.of("run.json", "report.html");

    /** The SHA-256 of every file below a folder, by its path from there; those that tell of times are left out. */
    static SortedMap<String, String> hashes(Path root) {
        SortedMap<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(Files::isRegularFile)
                    .filter(file -> !TIMES.contains(file.getFileName().toString())).toList()) {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
                hashes.put(root.relativize(file).toString(), HexFormat.of().formatHex(digest));
            }
            return hashes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
