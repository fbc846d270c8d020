package dev.come.distill;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorSpec;
import dev.come.failure.OwnProcess;
import dev.come.failure.Shortage;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.TokenLayout;
import dev.come.model.UsualNames;
import dev.come.model.Workers;
import dev.come.prune.PruningPlan;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import tools.jackson.databind.json.JsonMapper;

/**
 * The training of one layer in a process of its own. The teacher's states come to it in files, which processes that
 * need the same share. It tells on standard output what it has done: {@code +} and a number of steps,
 * {@code =} and a line for the user, or {@code !} and why it has failed.
 */
final class LayerProcess {
    private static final JsonMapper JSON = new JsonMapper();
    private static final char STEPS = '+';
    private static final char NOTE = '=';
    private static final char FAILURE = '!';
    /** Of a process that the system has ended, which it mostly does where memory runs out. */
    private static final int KILLED = 137;
    private static final int LAST_LINES = 20;

    private LayerProcess() {
    }

    /**
     * What a process is told.
     *
     * @param model the folder of the teacher
     * @param plan the come.json of the pruned model, in its folder
     * @param lengths the lengths of the sequences of each chunk, in tokens
     * @param training how many of the chunks are trained on
     * @param input the file of the states before the layer
     * @param target the file of those that should come after it
     * @param folder where the outcome goes
     * @param device where it is trained
     */
    record Order(String model, String plan, int position, DistillationOptions options, List<List<Integer>> lengths,
            int training, String input, String target, String folder, String device, int threads) {}

    /** Writes the states of a boundary for processes to read. */
    static void write(Path file, TokenChunks chunks, IntFunction<Tensor> states) {
        try (var _ = new PointerScope()) {
            List<TensorSpec> specs = new ArrayList<>();
            for (int chunk = 0; chunk < chunks.size(); chunk++) {
                try (var _ = new PointerScope()) {
                    Tensor tensor = states.apply(chunk);
                    specs.add(new TensorSpec("" + chunk, DType.of(tensor.scalar_type()),
                            List.of(tensor.size(0), tensor.size(1))));
                }
            }
            TensorFile.write(file, specs, spec -> states.apply(Integer.parseInt(spec.name())));
        }
    }

    /** Does what an order says; called in a process of its own. */
    static void main(String[] arguments) throws IOException {
        Order order = JSON.readValue(Files.readString(Path.of(arguments[0])), Order.class);
        endWithParent();
        PrintStream out = System.out;
        try {
            train(order, out);
        } catch (RuntimeException | Error e) {
            say(out, FAILURE + sentence(e));
            System.exit(1);
        }
    }

    /** One line, which the user will see. */
    private static String sentence(Throwable failure) {
        Throwable told = Shortage.of(() -> "Its training", failure).map(Throwable.class::cast).orElse(failure);
        String text = told instanceof ComeException ? String.valueOf(told.getMessage()) : told.toString();
        return text.lines().findFirst().orElse("");
    }

    private static void train(Order order, PrintStream out) {
        Progress progress = new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return steps -> say(out, STEPS + "" + steps);
            }

            @Override
            public void note(String line) {
                say(out, NOTE + line);
            }
        };
        Path plan = Path.of(order.plan);
        Compute compute = new Compute(DType.F32, order.device, order.threads);
        try (Checkpoint checkpoint = UsualNames.open(Path.of(order.model));
                TrainedLayers before = new TrainedLayers(plan.resolveSibling(""));
                TensorFile input = TensorFile.open(Path.of(order.input));
                TensorFile target = TensorFile.open(Path.of(order.target));
                Workers workers = new Workers(compute)) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config).with(before);
            new LayerTraining(store, PruningPlan.read(plan).last(), order.position, order.options,
                    Path.of(order.folder)).run(examples(order, input, target, compute), workers, compute, progress,
                            progress.begin("", 0, ""));
        }
    }

    private static synchronized void say(PrintStream out, String line) {
        out.println(line);
        out.flush();
    }

    /** Standard input ends when the parent does, however that was. */
    private static void endWithParent() {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (System.in.read() >= 0) {
                    // nothing is ever sent
                }
            } catch (IOException _) {
                // then it is gone too
            } finally {
                Runtime.getRuntime().halt(1);
            }
        });
    }

    private static Examples examples(Order order, TensorFile input, TensorFile target, Compute compute) {
        List<Chunk> chunks = new ArrayList<>();
        int first = 0;
        for (List<Integer> lengths : order.lengths) {
            TokenLayout layout = TokenLayout.of(lengths.stream().mapToInt(Integer::intValue).toArray());
            // Which tokens they are is nothing to a layer.
            chunks.add(new Chunk(first, new int[layout.tokens()], layout));
            first += lengths.size();
        }
        TokenChunks all = new TokenChunks(chunks);
        return new Examples() {
            @Override
            public TokenChunks chunks() {
                return all;
            }

            @Override
            public int training() {
                return order.training;
            }

            @Override
            public Tensor input(int chunk) {
                return compute.floats(input.tensor("" + chunk));
            }

            @Override
            public Tensor target(int chunk) {
                return compute.floats(target.tensor("" + chunk));
            }
        };
    }

    /**
     * Starts a process and waits for its end; it ends with this one too.
     *
     * @param started is given the process, to end it before its time
     */
    static void run(Order order, Path orderFile, Progress progress, Progress.Task task, Consumer<Process> started) {
        List<String> lastLines = new ArrayList<>();
        String failure = "";
        Process process = null;
        try {
            AtomicFile.writePrivate(orderFile, JSON.writeValueAsString(order));
            process = OwnProcess.of(LayerProcess.class, List.of(), orderFile.toString()).redirectErrorStream(true)
                    .start();
            started.accept(process);
            try (BufferedReader lines = new BufferedReader(
                    new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("" + NOTE)) {
                        progress.note(line.substring(1));
                    } else if (line.matches("\\" + STEPS + "\\d+")) {
                        task.advance(Long.parseLong(line.substring(1)));
                    } else if (line.startsWith("" + FAILURE)) {
                        failure = line.substring(1);
                    } else {
                        lastLines.add(line);
                        if (lastLines.size() > LAST_LINES) {
                            lastLines.removeFirst();
                        }
                    }
                }
            }
            int code = process.waitFor();
            if (code != 0) {
                String end = code == KILLED
                        ? " was ended by the system, mostly because memory has run out; give less --memory or --mode sp"
                        : " ended with code " + code + ": " + String.join(System.lineSeparator(), lastLines);
                throw new FailedException("The process that trained the layer at position " + order.position
                        + (failure.isEmpty() ? end : " has failed: " + failure));
            }
        } catch (IOException e) {
            throw new FailedException("A process to train the layer at position " + order.position
                    + " could not be started or heard (" + IoReason.of(e) + "); use --mode sp", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedRunException(e);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }
}
