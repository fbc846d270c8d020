package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Range;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.run.Message;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Shards that lie with several owners, who lose them at random moments; all that goes back and forth is copied. */
public final class OwnersOfShards implements RemoteShards {
    private final LayerStore store;
    private final TrainedLayers lent;
    private final Compute compute;
    private final Reading reading;
    private final Random random;
    private final Path folder;
    private final List<TokenChunks> division;
    private final List<Map<Integer, Shard>> owners = new ArrayList<>();
    private Context context = Context.of(LayerStack.dense(6));
    private int made;

    /**
     * Shards of chunks.
     *
     * @param store makes layers, for all owners
     * @param division the chunks of each shard
     * @param owners how many there are
     * @param folder for whatever goes into files
     */
    public OwnersOfShards(LayerStore store, List<TokenChunks> division, int owners, Compute compute, Reading reading,
            Random random, Path folder) {
        this.lent = new TrainedLayers(folder);
        this.store = store.with(lent);
        this.division = division;
        this.compute = compute;
        this.reading = reading;
        this.random = random;
        this.folder = folder;
        IntStream.range(0, owners).forEach(_ -> this.owners.add(new HashMap<>()));
    }

    /** The chunks of each shard, by their numbers among all. */
    List<Range> ranges() {
        return IntStream.range(0, division.size()).mapToObj(this::range).toList();
    }

    @Override
    public <A extends Serializable, S extends LargeSums> Total<A, S> sum(LargeQuestion<A, S> question, Range chunks,
            Progress.Task task) {
        try (SumInPieces<A, S> sum = new SumInPieces<>(question, store)) {
            IntStream.range(0, division.size()).filter(shard -> !range(shard).with(chunks).isEmpty()).forEach(shard -> {
                AskedForSums arrived = (AskedForSums) Message
                        .read(Message.of(new AskedForSums(context, question)).bytes());
                Map<Integer, Numbers> pieces = new HashMap<>();
                try (SumInPieces.Apart apart = arrived.answer(shard(shard), task)) {
                    sum.add(shard, copy(apart.header()));
                    apart.forEachRemaining(piece -> pieces.put(piece.number(), copy(piece.numbers())));
                }
                sum.add(pieces);
            });
            return sum.total();
        }
    }

    @Override
    public Trained lend(LayerNode node, int position, LayerWeights weights) {
        return lent.add(store.config(), node, Trained.Training.REFITTED, position, weights);
    }

    private Range range(int shard) {
        int from = division.subList(0, shard).stream().mapToInt(TokenChunks::size).sum();
        return new Range(from, from + division.get(shard).size());
    }

    @Override
    public int parallel() {
        return owners.size();
    }

    @Override
    public void enter(Context about) {
        context = about;
    }

    @Override
    public <A extends Serializable> List<A> ask(Question<A> question, Range chunks, Progress.Task task) {
        return IntStream.range(0, division.size()).filter(shard -> !range(shard).with(chunks).isEmpty())
                .mapToObj(shard -> ask(question, shard, task)).toList();
    }

    @Override
    public <A extends Serializable> A askOne(Question<A> question) {
        return ask(question, random.nextInt(division.size()), _ -> {
        });
    }

    private <A extends Serializable> A ask(Question<A> question, int shard, Progress.Task task) {
        @SuppressWarnings("unchecked") // what was written a moment ago
        Asked<A> arrived = (Asked<A>) Message.read(Message.of(new Asked<>(context, question)).bytes());
        return copy(arrived.answer(shard(shard), task));
    }

    /** A shard, mostly from who has it already; now and then an owner loses all of its own. */
    private Shard shard(int number) {
        if (random.nextInt(12) == 0) {
            lose(owners.get(random.nextInt(owners.size())));
        }
        int owner = random.nextInt(8) == 0 ? random.nextInt(owners.size()) : number % owners.size();
        return owners.get(owner).computeIfAbsent(number, _ -> {
            made++;
            return new Shard(store, division.get(number), range(number).from(), compute, reading,
                    random.nextBoolean() ? 0 : 200_000, folder);
        });
    }

    /** How often a shard was made, since nobody had it. */
    int made() {
        return made;
    }

    private void lose(Map<Integer, Shard> owner) {
        owner.values().forEach(Shard::close);
        owner.clear();
    }

    @Override
    public void close() {
        owners.forEach(this::lose);
        lent.close();
    }

    /** What arrives of something that is sent. */
    static <T> T copy(T value) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
                out.writeObject(value);
            }
            try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
                @SuppressWarnings("unchecked")
                T copy = (T) in.readObject();
                return copy;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }
}
