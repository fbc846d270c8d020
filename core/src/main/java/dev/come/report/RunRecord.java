package dev.come.report;

import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.RecordJson;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a run went on its machine, as run.json beside its result: what differs when the same run is made again, and so has no
 * place in come.json. By the rules of {@link RecordJson}:
 *
 * <pre>
 * field                   | type     | meaning, unit                                                | absent
 * ------------------------|----------|--------------------------------------------------------------|------------------------
 * format                  | string   | "come-run"                                                   |
 * format_version          | integer  | 1                                                            |
 * tool                    | string   | name and version of the program                              |
 * command                 | string[] | the command as it was typed, but for secrets                 |
 * machine.system          | string   | operating system and processor                               |
 * machine.java            | string   | version of Java                                              |
 * machine.instructions    | string   | vector instructions that were computed with                  |
 * machine.processors      | integer  | processors that the program may use                          |
 * machine.others          | number   | share of all processor time that other programs took         | the system does not tell
 * machine.idle            | number   | share of all processor time that nobody took                 | the system does not tell
 * parameters              | integer  | numbers in the weights of the result                         | not known
 * seconds                 | number   | time of the whole run                                        |
 * peak_bytes              | integer  | most memory of the process                                   | the system does not tell
 * stages[].name           | string   | what was done, in words                                      |
 * stages[].seconds        | number   | time that it took, all together where it was done repeatedly |
 * stages[].peak_bytes     | integer  | most memory of the process until its end                     | the system does not tell
 * </pre>
 *
 * @param command the command as it was typed, but for secrets
 */
public record RunRecord(String tool, List<String> command, Host machine, OptionalLong parameters,
        double seconds, OptionalLong peakBytes, List<Stage> stages) {
    /** The name of the file beside a result. */
    public static final String FILE_NAME = "run.json";

    static final String FORMAT = "come-run";

    /** Settings such as {@code --spark-conf spark.authenticate.secret=...}. */
    private static final Pattern SECRET = Pattern
            .compile("((?:--spark-conf=)?spark\\.\\S*(?:secret|password|token|key)\\S*=).*", Pattern.CASE_INSENSITIVE);

    /** Whether a file looks like one that {@link #toJson} gave. */
    public static boolean isOne(Path file) {
        return InputFile.beginning(file, 64).contains('"' + FORMAT + '"');
    }

    public RunRecord {
        command = command.stream().map(RunRecord::withoutSecret).toList();
        stages = List.copyOf(stages);
    }

    /** An argument, with what a setting of a cluster keeps secret left out. */
    private static String withoutSecret(String argument) {
        Matcher matcher = SECRET.matcher(argument);
        return matcher.matches() ? matcher.group(1) + "..." : argument;
    }

    /**
     * Where it ran.
     *
     * @param instructions the vector instructions that the engine used
     * @param others the share of the machine's processor time, from 0 to 1, that other programs took meanwhile
     * @param idle the share that nobody took
     */
    public record Host(String system, String java, String instructions, int processors, OptionalDouble others,
            OptionalDouble idle) {
        private static final double MUCH = 0.1;

        /** Whether others took processors that this run could have used. */
        private static boolean isBusy(OptionalDouble others, OptionalDouble idle) {
            return others.orElse(0) > MUCH && idle.orElse(1) < MUCH;
        }

        /** What must be said about times, if others kept the machine busy. */
        public static Optional<String> caution(OptionalDouble others, OptionalDouble idle) {
            return isBusy(others, idle)
                    ? Optional.of(String.format(Locale.ROOT, "Other programs took %.0f %% of the processors' time"
                            + " meanwhile, so times are not to be trusted.", 100 * others.orElse(0)))
                    : Optional.empty();
        }

        /** The same about the times of this run. */
        public Optional<String> caution() {
            return caution(others, idle);
        }
    }

    /** A part of a run, with the most memory until its end. */
    public record Stage(String name, double seconds, OptionalLong peakBytes) {}

    /** The same run, with the size of its result. */
    public RunRecord withParameters(OptionalLong result) {
        return new RunRecord(tool, command, machine, result, seconds, peakBytes, stages);
    }

    /** As JSON. */
    public String toJson() {
        ObjectNode root = RecordJson.file(FORMAT, 1);
        addTo(root);
        return RecordJson.text(root);
    }

    /** Adds the fields below the format. */
    void addTo(ObjectNode root) {
        root.put("tool", tool);
        command.forEach(root.putArray("command")::add);
        ObjectNode host = root.putObject("machine").put("system", machine.system).put("java", machine.java)
                .put("instructions", machine.instructions).put("processors", machine.processors);
        machine.others.ifPresent(share -> host.put("others", share));
        machine.idle.ifPresent(share -> host.put("idle", share));
        parameters.ifPresent(count -> root.put("parameters", count));
        root.put("seconds", seconds);
        peakBytes.ifPresent(bytes -> root.put("peak_bytes", bytes));
        ArrayNode list = root.putArray("stages");
        for (Stage stage : stages) {
            ObjectNode entry = list.addObject().put("name", stage.name).put("seconds", stage.seconds);
            stage.peakBytes.ifPresent(bytes -> entry.put("peak_bytes", bytes));
        }
    }

    /** Reads what {@link #toJson} wrote. */
    static RunRecord of(JsonNode root) {
        JsonNode host = root.path("machine");
        return new RunRecord(root.path("tool").asString(""),
                root.path("command").valueStream().map(JsonNode::asString).toList(),
                new Host(host.path("system").asString(""), host.path("java").asString(""),
                        host.path("instructions").asString(""),
                        host.path("processors").asInt(0), number(host.path("others")), number(host.path("idle"))),
                count(root.path("parameters")), root.path("seconds").asDouble(0),
                count(root.path("peak_bytes")),
                root.path("stages").valueStream().map(stage -> new Stage(stage.path("name").asString(""),
                        stage.path("seconds").asDouble(0), count(stage.path("peak_bytes")))).toList());
    }

    static OptionalDouble number(JsonNode value) {
        return value.isNumber() ? OptionalDouble.of(value.asDouble()) : OptionalDouble.empty();
    }

    static OptionalLong count(JsonNode value) {
        return value.isNumber() ? OptionalLong.of(value.asLong()) : OptionalLong.empty();
    }
}
