package dev.come.distill;

/** Options of training with defaults for small models; tests set what they are about. */
public final class TrainingSettings {
    public Level level = Level.BOTH;
    public Objective objective = Objective.MSE;
    public double temperature = 1;
    public long tokens = 640;
    /** Of the whole model; 0: as many as of a layer. */
    public long modelTokens;
    public long validationTokens = 64;
    public long batchTokens = 64;
    public Schedule.Shape shape = Schedule.Shape.COSINE;
    public double rate = 1e-3;
    /** Of the whole model; 0: as that of a layer. */
    public double modelRate;
    public double warmUp = 0.1;
    public double weightDecay;
    public double clip = 1;
    public Students.Seam seam = Students.Seam.AUTO;
    public Students.Inputs inputs = Students.Inputs.TEACHER;
    public Students.Scope scope = Students.Scope.CUT;
    public TrainedParts trained = TrainedParts.MERGED;
    public double hiddenWeight;
    public double crossEntropyWeight;
    public int evaluateEvery = 3;

    /** What was set. */
    public DistillationOptions options() {
        return new DistillationOptions(level, objective, temperature, tokens, modelTokens == 0 ? tokens : modelTokens,
                validationTokens, batchTokens, new Schedule(shape, rate, warmUp),
                new Schedule(shape, modelRate == 0 ? rate : modelRate, warmUp), weightDecay, clip,
                new Students(seam, inputs, scope), trained, hiddenWeight, crossEntropyWeight, evaluateEvery, 10);
    }
}
