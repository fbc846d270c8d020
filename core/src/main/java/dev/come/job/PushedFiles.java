package dev.come.job;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.SideFiles;
import dev.come.prune.PruningPlan;
import dev.come.report.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which files of a model's folder go to the hub: those that are known to belong to a model, so that nobody's notes, keys or
 * hidden files go along. run.json and report.html stay, for they tell of this machine and its folders.
 *
 * @param sent by their names there, with slashes
 * @param left the others, without hidden ones
 */
record PushedFiles(SortedMap<String, Path> sent, List<String> left) {
    /** A folder that a run is making, or has left behind. */
    private static final Pattern UNFINISHED = Pattern.compile("\\..+\\.come-.*");
    private static final Pattern BESIDES = Pattern.compile(
            Pattern.quote(ModelCard.FILE_NAME) + "|" + Pattern.quote(PruningPlan.FILE_NAME)
                    + "|model\\.safetensors\\.index\\.json|[^/]+\\.gguf");
    private static final String TEMPLATES = "additional_chat_templates";

    /**
     * Looks through a folder.
     *
     * @throws CheckpointException if it is no model, or part of it is missing
     * @throws InvalidInputException if a run has not finished it
     */
    static PushedFiles of(Path folder) {
        CheckpointHeaders headers = CheckpointHeaders.read(folder);
        Path name = folder.toAbsolutePath().normalize().getFileName();
        if (name != null && UNFINISHED.matcher(name.toString()).matches()) {
            throw new InvalidInputException(
                    folder + " is what a run has not finished; give the folder that it was to make");
        }
        Set<String> strays = Set.copyOf(headers.strayFiles());
        SortedMap<String, Path> sent = new TreeMap<>();
        List<String> left = new ArrayList<>();
        for (Path file : files(folder)) {
            String path = folder.relativize(file).toString().replace('\\', '/');
            boolean weights = path.endsWith(".safetensors") && !strays.contains(path);
            if (weights || SideFiles.isKnown(path) || BESIDES.matcher(path).matches()) {
                sent.put(path, file);
            } else {
                left.add(path);
            }
        }
        return new PushedFiles(sent, left);
    }

    private static List<Path> files(Path folder) {
        List<Path> files = new ArrayList<>();
        for (Path below : List.of(folder, folder.resolve(TEMPLATES))) {
            if (Files.isDirectory(below)) {
                try (Stream<Path> there = Files.list(below)) {
                    there.filter(Files::isRegularFile).filter(file -> !file.getFileName().toString().startsWith("."))
                            .sorted().forEach(files::add);
                } catch (IOException e) {
                    throw new FailedException(below + " cannot be listed (" + IoReason.of(e) + ")", e);
                }
            }
        }
        return files;
    }
}
