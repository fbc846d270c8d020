package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Runs the command in a process in which a chosen call fails; see faults.c. */
final class Faults {
    /** Where others have the processors, a command may take minutes. */
    private static final int MINUTES = 20;

    private final Path library;
    private final Path counter;
    private final Path err;

    /** What happens at which call; the calls are numbered from 1. */
    record Fault(Kind kind, long call) {
        static final Fault NONE = new Fault(Kind.NONE, 0);

        enum Kind {
            NONE, KILL, FULL;

            /** Kills and full disks in turn. */
            static Kind of(int number) {
                return number % 2 == 0 ? KILL : FULL;
            }
        }
    }

    /** @param calls how many calls changed something */
    record Run(int exitCode, String err, long calls) {}

    /** Compiles the library into a folder. */
    Faults(Path folder) throws IOException, InterruptedException {
        this.library = folder.toRealPath().resolve("faults.so");
        this.counter = library.resolveSibling("counter");
        this.err = library.resolveSibling("err.txt");
        Path source = folder.resolve("faults.c");
        try (InputStream content = Objects.requireNonNull(Faults.class.getResourceAsStream("faults.c"))) {
            Files.copy(content, source);
        }
        Process compiler = new ProcessBuilder("cc", "-O1", "-shared", "-fPIC", "-o", library.toString(),
                source.toString(), "-ldl").inheritIO().start();
        assertThat(compiler.waitFor()).as("exit code of cc").isZero();
    }

    /** Runs the command with a folder as the current one, below which calls count. */
    Run run(Path work, List<String> arguments, Map<String, String> environment, Fault fault)
            throws IOException, InterruptedException {
        Files.write(counter, new byte[Long.BYTES]);
        Path tmp = Files.createDirectories(work.resolve("tmp"));
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Djava.io.tmpdir=" + tmp, "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp",
                System.getProperty("java.class.path"), "dev.come.cli.Main"));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).directory(work.toFile()).redirectError(err.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment);
        builder.environment().putAll(Map.of("LD_PRELOAD", library.toString(), "FAULTS_BELOW", work.toString(),
                "FAULTS_COUNTER", counter.toString(), "FAULTS_AT", "" + fault.call, "FAULTS_KIND",
                fault.kind == Fault.Kind.FULL ? "full" : "kill"));
        Process process = builder.start();
        if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
            process.destroyForcibly().waitFor();
            throw new AssertionError("still runs after " + MINUTES + " minutes: " + Files.readString(err));
        }
        long calls = ByteBuffer.wrap(Files.readAllBytes(counter)).order(ByteOrder.nativeOrder()).getLong();
        return new Run(process.exitValue(), Files.readString(err), calls);
    }
}
