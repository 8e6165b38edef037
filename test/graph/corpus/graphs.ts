/** Graphs that can be planned, by what is special about them. */
export type GoodGraphs = Readonly<
  Record<
    string,
    {
      readonly graph: string;
      /**
       * What the planner has done: converters with their options, `node: option=value` for options that were open. In
       * flow.ts, what is said of flow: links, the latency of paths, what happens on errors.
       */
      readonly plan: readonly string[];
    }
  >
>;

/** Graphs that are refused, with everything that is wrong: code, place, message, mend. */
export type BadGraphs = Readonly<
  Record<
    string,
    {
      readonly graph: string;
      /** JSON where it ends so; YAML when left out. */
      readonly file?: string;
      readonly refused: readonly (readonly [code: string, place: string, message: string, mend: string])[];
    }
  >
>;
