package dev.come.spark;

import dev.come.Progress;
import dev.come.run.Message;
import dev.come.run.ModelRecipe;
import dev.come.run.OtherMachines;
import dev.come.run.Piece;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;

/** Executors that do pieces of work with a model. */
final class SparkMachines implements OtherMachines {
    private final ModelRecipe model;
    private final long memory;
    private final Map<String, String> shipped;
    private final Executors executors;

    SparkMachines(SparkContext spark, ModelRecipe model, LayerStore store, long memory, Map<String, String> shipped) {
        this.model = model;
        this.memory = memory;
        this.shipped = shipped;
        this.executors = new Executors(spark, new LayerParcels(spark, store));
    }

    @Override
    public int parallel() {
        return executors.parallel();
    }

    @Override
    public <R extends Serializable> void each(List<? extends Piece<R>> pieces, Progress.Task task,
            ObjIntConsumer<R> taker) {
        Map<Integer, Message> messages = new HashMap<>();
        IntStream.range(0, pieces.size()).forEach(piece -> messages.put(piece, Message.of(pieces.get(piece))));
        executors.send(new Doing<R>(model, memory, shipped), List.copyOf(messages.keySet()), messages, task, taker);
    }

    /** What an executor does with a piece. */
    private record Doing<R extends Serializable>(ModelRecipe model, long memory,
            Map<String, String> shipped) implements Task.Work<R> {
        @Override
        public Workplace place(String run, Path localFolder) {
            return Workplace.of(run, model, shipped, localFolder);
        }

        @Override
        public R answer(Workplace place, int number, Object content, int threads, Progress.Task told) {
            @SuppressWarnings("unchecked") // what the driver has sent
            Piece<R> piece = (Piece<R>) content;
            return piece.run(place.place(model, memory, threads), told);
        }

        @Override
        public void failed(Workplace place, int number) {
            // a piece leaves nothing
        }
    }

    @Override
    public void close() {
        executors.close();
    }
}
