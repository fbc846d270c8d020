package dev.come.report;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.failure.Shortage;
import dev.come.prune.PruningPlan;
import dev.come.report.ReportSources.Compared;
import dev.come.report.ReportSources.Pruned;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds results in folders and files. */
public final class ReportReader {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String PLAN_FORMAT = "come-plan";
    private static final String KNOWN = PruningPlan.FILE_NAME + ", " + Comparison.JSON_NAME
            + ", or what --output of come eval or come latency wrote";

    private final Function<Path, OptionalLong> parameters;
    private final List<Pruned> pruned = new ArrayList<>();
    private final List<EvalFile> evaluations = new ArrayList<>();
    private final List<LatencyFile> latencies = new ArrayList<>();
    private final List<Compared> comparisons = new ArrayList<>();

    private ReportReader(Function<Path, OptionalLong> parameters) {
        this.parameters = parameters;
    }

    /**
     * Reads results.
     *
     * @param places folders, of which every file that holds a result counts, and such files
     * @param parameters tells how many numbers the weights in a folder have
     * @throws UsageException if there is nothing at a place
     * @throws InvalidInputException if a file is no result, or damaged
     */
    public static ReportSources read(List<Path> places, Function<Path, OptionalLong> parameters) {
        ReportReader reader = new ReportReader(parameters);
        places.forEach(reader::read);
        return new ReportSources(reader.pruned, reader.evaluations, reader.latencies, reader.comparisons);
    }

    private void read(Path place) {
        if (Files.isDirectory(place)) {
            int before = found();
            jsonFilesIn(place).stream().filter(ReportReader::looksLikeOurs)
                    .forEach(file -> read(file, place));
            if (found() == before) {
                throw new UsageException(place + " holds no result; give a folder or file with " + KNOWN);
            }
        } else if (Files.exists(place)) {
            int before = found();
            read(place, place.resolveSibling(""));
            if (found() == before) {
                throw new InvalidInputException(place + " is no result that can be shown; give " + KNOWN);
            }
        } else {
            throw new UsageException("There is nothing at " + place + "; give a folder or file with " + KNOWN);
        }
    }

    private int found() {
        return pruned.size() + evaluations.size() + latencies.size() + comparisons.size();
    }

    private static List<Path> jsonFilesIn(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".json") && Files.isRegularFile(file)).sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidInputException(folder + " cannot be read (" + IoReason.of(e) + ")", e);
        }
    }

    /** Whether a file begins like one of ours: a folder of a model holds many others. */
    private static boolean looksLikeOurs(Path file) {
        try (InputStream bytes = InputFile.stream(file)) {
            return new String(bytes.readNBytes(40), StandardCharsets.UTF_8)
                    .matches("(?s)\\{\\s*\"format\"\\s*:\\s*\"come-.*");
        } catch (IOException e) {
            throw new InvalidInputException(file + " cannot be read (" + IoReason.of(e) + ")", e);
        }
    }

    private void read(Path file, Path folder) {
        JsonNode root = json(file);
        String format = root.path("format").asString("");
        if (format.startsWith(PLAN_FORMAT)) {
            PruningPlan plan = PruningPlan.read(file);
            Optional<RunRecord> run = run(file);
            OptionalLong count = parameters.apply(folder);
            pruned.add(new Pruned(folder, plan, run,
                    count.isEmpty() && run.isPresent() ? run.get().parameters() : count));
        } else if (format.startsWith(EvalFile.FORMAT)) {
            evaluations.add(EvalFile.of(root));
        } else if (format.equals(LatencyFile.FORMAT)) {
            latencies.add(LatencyFile.of(root));
        } else if (format.equals(Comparison.FORMAT)) {
            comparisons.add(new Compared(Comparison.of(root), run(file)));
        }
    }

    private static Optional<RunRecord> run(Path besides) {
        Path file = besides.resolveSibling(RunRecord.FILE_NAME);
        return Files.exists(file) ? Optional.of(RunRecord.of(json(file))) : Optional.empty();
    }

    private static JsonNode json(Path file) {
        return Shortage.reading(file, () -> {
            try {
                return JSON.readTree(Limits.read(file, Limits.PLAN_BYTES));
            } catch (IOException e) {
                throw new InvalidInputException(file + " cannot be read (" + IoReason.of(e) + ")", e);
            } catch (JacksonException e) {
                throw new InvalidInputException(file + " is not JSON ("
                        + e.getOriginalMessage().lines().findFirst().orElse("") + "); give " + KNOWN, e);
            }
        });
    }
}
