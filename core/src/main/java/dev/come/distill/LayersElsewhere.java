package dev.come.distill;

import dev.come.Progress;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.Limits;
import dev.come.failure.Opening;
import dev.come.run.LayerRunner;
import dev.come.run.OtherMachines;
import dev.come.run.Piece;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** Trains layers on other machines. Each machine makes the teacher's states that it needs itself. */
final class LayersElsewhere {
    private LayersElsewhere() {
    }

    /**
     * Trains layers; their outcomes then lie in their folders as if they were trained here.
     *
     * @param machines with the teacher
     */
    static void train(OtherMachines machines, LayerQueue.Work work, List<LayerTraining> layers) {
        List<TrainingPiece> pieces = layers.stream().map(layer -> new TrainingPiece(layer.stack(), layer.position(),
                work.options(), work.chunks(), work.training())).toList();
        long steps = 0;
        for (LayerTraining layer : layers) {
            steps += LayerTraining.batches(work.chunks(), work.training(), work.options()).count()
                    + (long) layer.span().end() * work.chunks().size();
        }
        try (Progress.Task task = work.progress().begin("training " + layers.size() + " layers on other machines",
                steps, "steps")) {
            machines.each(pieces, task, (files, index) -> keep(files, layers.get(index).folder()));
        }
    }

    /** The record goes last, since it says that all is there. */
    private static void keep(Map<String, byte[]> files, Path folder) {
        files.keySet().stream().sorted(Comparator.comparing(LayersElsewhere::isRecord))
                .forEach(name -> AtomicFile.writeBytes(folder.resolve(name), Objects.requireNonNull(files.get(name))));
    }

    private static boolean isRecord(String name) {
        return name.endsWith(".json");
    }

    /**
     * One layer.
     *
     * @param chunks all tokens, those that are trained on first
     * @param training how many of the chunks are trained on
     */
    private record TrainingPiece(LayerStack stack, int position, DistillationOptions options, TokenChunks chunks,
            int training) implements Piece<HashMap<String, byte[]>> {
        @Override
        public HashMap<String, byte[]> run(Place place, Progress.Task task) {
            try (Opening opening = new Opening()) {
                Path folder = Files.createTempDirectory(place.folder(), "layer");
                opening.add(() -> remove(folder));
                LayerRunner runner = new LayerRunner(place.store(), place.compute());
                opening.add(runner::close);
                StateStore states = new StateStore(place.memory(), folder);
                opening.add(states::close);
                TeacherStates boundaries = new TeacherStates(runner, chunks, states);
                opening.add(boundaries::close);
                LayerTraining layer = new LayerTraining(place.store(), stack, position, options, folder);
                Students.Span span = layer.span();
                runner.reporting(task, () -> {
                    while (boundaries.reached() < span.end()) {
                        boundaries.next();
                        boundaries.keepOnly(Set.of(span.begin()));
                    }
                    return true;
                });
                layer.run(boundaries.examples(span, training), runner.workers(), place.compute(), Progress.NONE,
                        task);
                return files(folder);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static HashMap<String, byte[]> files(Path folder) throws IOException {
            HashMap<String, byte[]> files = new HashMap<>();
            try (Stream<Path> all = Files.list(folder)) {
                for (Path file : all.filter(one -> one.toString().endsWith(".json")
                        || one.toString().endsWith(".safetensors")).toList()) {
                    files.put(String.valueOf(file.getFileName()), Limits.read(file, Integer.MAX_VALUE));
                }
            }
            return files;
        }

        private static void remove(Path folder) {
            try (Stream<Path> all = Files.list(folder)) {
                for (Path file : all.toList()) {
                    Files.deleteIfExists(file);
                }
                Files.deleteIfExists(folder);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
