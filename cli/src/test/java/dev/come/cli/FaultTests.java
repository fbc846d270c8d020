package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.come.cli.Faults.Fault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Kills every command, and fills the disk for it, at calls that are spread over all those that change something on the disk.
 * Nothing may be lost or half there, and the same command must end with the same bytes and leave nothing else behind.
 *
 * <p>It takes long, so no build runs it: {@code benchmarks/faults} does. {@code come.faults} says at how many calls.
 */
@EnabledIfSystemProperty(named = "come.faults", matches = "[1-9]\\d*",
        disabledReason = "takes long; see benchmarks/faults")
@EnabledOnOs(value = OS.LINUX, disabledReason = "needs LD_PRELOAD")
class FaultTests {
    private static final int POINTS = Integer.getInteger("come.faults", 0);
    /** A pattern of the names of the commands that are tried. */
    private static final String ONLY = System.getProperty("come.faults.only", ".*");
    /** What a process ends with that is killed, or whose child is. */
    private static final List<Integer> KILLED = List.of(128 + 9, Failures.FAILED);

    @TempDir
    private Path temporary;

    private Path given;
    private Path work;
    private Faults faults;
    private FaultHub hub;

    @BeforeEach
    void prepare() throws Exception {
        given = FaultInputs.prepare(temporary.resolve("given"));
        work = temporary.toRealPath().resolve("work");
        faults = new Faults(temporary);
        hub = new FaultHub(given.resolve("model"));
    }

    @AfterEach
    void close() {
        hub.close();
    }

    @ParameterizedTest
    @EnumSource
    void whateverHappensNothingIsLostAndTheSameCommandEndsWell(FaultInputs.Case command) throws Exception {
        assumeThat(command.name()).as("come.faults.only").matches(ONLY);
        begin(command);
        Faults.Run clean = faults.run(work, command.arguments(), hub.environment(work), Fault.NONE);
        assertThat(clean.exitCode()).as(clean.err()).isZero();
        SortedMap<String, String> right = content();

        long seed = System.nanoTime();
        Random random = new Random(seed);
        int points = Math.ceilDiv(POINTS, FaultInputs.Case.values().length);
        Map<Fault.Kind, Integer> tried = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        for (int point = 0; point < points; point++) {
            // One in each part of the run, alternately of either kind.
            long first = clean.calls() * point / points;
            long length = Math.max(1, clean.calls() * (point + 1) / points - first);
            Fault fault = new Fault(Fault.Kind.of(point), first + 1 + random.nextLong(length));
            tried.merge(fault.kind(), 1, Integer::sum);
            try {
                tryOne(command, fault, right);
                System.out.println("FaultTests: " + command + ": " + fault + ": fine");
            } catch (AssertionError e) {
                System.out.println("FaultTests: " + command + ": " + fault + ": wrong: " + e.getMessage());
                wrong.add(fault + ": " + e.getMessage());
            }
        }
        System.out.println("FaultTests: " + command + ": " + clean.calls() + " calls, " + tried + ", " + wrong.size()
                + " of them wrong, seed " + seed);
        assertThat(wrong).isEmpty();
    }

    private void begin(FaultInputs.Case command) throws IOException {
        FaultInputs.delete(work);
        FaultInputs.copy(given, work);
        command.prepare(work);
    }

    private void tryOne(FaultInputs.Case command, Fault fault, SortedMap<String, String> right) throws Exception {
        begin(command);
        SortedMap<String, String> before = content();
        Faults.Run faulty = faults.run(work, command.arguments(), hub.environment(work), fault);
        if (fault.kind() == Fault.Kind.KILL) {
            assertThat(faulty.exitCode()).as(faulty.err()).isIn(KILLED);
        } else if (faulty.exitCode() != 0) {
            assertThat(faulty.exitCode()).as(faulty.err()).isEqualTo(Failures.FAILED);
        }
        if (faulty.exitCode() == Failures.FAILED) {
            // Of several methods each that did not get there has a sentence.
            assertThat(faulty.err().lines().filter(line -> line.startsWith("come: "))).as(faulty.err())
                    .hasSizeBetween(1, command == FaultInputs.Case.PRUNE_BY_SEVERAL ? 3 : 1);
        }
        assertThat(faulty.err()).doesNotContain("unexpected", "Exception", "\tat ");

        SortedMap<String, String> after = content();
        for (String output : command.outputs()) {
            SortedMap<String, String> found = below(after, output);
            if (command.growsByFiles()) {
                assertThat(below(right, output)).as("%s has whole files alone%n%s", output, faulty.err())
                        .containsAllEntriesOf(found);
            } else {
                assertThat(found).as("%s is as it was or as it shall be%n%s", output, faulty.err())
                        .isIn(below(before, output), below(right, output));
            }
        }
        for (String file : before.keySet()) {
            if (command.outputs().stream().noneMatch(output -> isBelow(file, output))) {
                assertThat(after.get(file)).as("%s, which is given", file).isEqualTo(before.get(file));
            }
        }

        FaultInputs.age(work.resolve("tmp"));
        Faults.Run again = faults.run(work, command.arguments(), hub.environment(work), Fault.NONE);
        // A run that had done all but the tidying needs no other.
        boolean done = command.outputs().stream().allMatch(output -> below(after, output).equals(below(right, output)));
        assertThat(again.exitCode()).as(again.err()).isIn(done ? List.of(0, 2) : List.of(0));
        assertThat(differences(content(), right)).as("after the same command%n%s", again.err()).isEmpty();
    }

    /** What is not as it should be, in words. */
    private static List<String> differences(SortedMap<String, String> found, SortedMap<String, String> right) {
        List<String> differences = new ArrayList<>();
        right.forEach((file, hash) -> {
            if (!hash.equals(found.get(file))) {
                differences.add(file + (found.containsKey(file) ? " has other bytes" : " is missing"));
            }
        });
        found.keySet().stream().filter(file -> !right.containsKey(file)).map(file -> file + " is left")
                .forEach(differences::add);
        return differences;
    }

    private static SortedMap<String, String> below(SortedMap<String, String> files, String output) {
        SortedMap<String, String> found = new TreeMap<>(files);
        // What is in the making has a name that begins with a point.
        found.keySet().removeIf(file -> !isBelow(file, output) || file.contains("/."));
        return found;
    }

    private static boolean isBelow(String file, String output) {
        return file.equals(output) || file.startsWith(output + "/");
    }

    /** All files, but for those that tell of times, and what a library keeps in the cache for a moment. */
    private SortedMap<String, String> content() {
        SortedMap<String, String> all = Trial.hashes(work);
        all.keySet().removeIf(file -> file.matches(".*/comparison\\.(json|csv)|cache/JNA/.*"));
        return all;
    }
}
