// What a core executes between markers: blocks, what follows on what, accesses.
namespace Simbench
{
    using System.Collections.Generic;
    using System.IO;

    using Antmicro.Renode.Peripherals.CPU;

    public class Counter
    {
        public Counter(TranslationCPU cpu, string prefix)
        {
            this.cpu = cpu;
            this.prefix = prefix;
        }

        public ulong InWindow => open ? cpu.ExecutedInstructions - openedAt : 0;

        public void AddSegment(uint start, uint end, int number)
        {
            segments.Add((start, end, number));
        }

        public void AddCache(uint[] numbers)
        {
            caches.Add(new Cache(numbers, numbers[9] == 0 ? null : caches[(int)numbers[9] - 1]));
        }

        public void AddRest(uint address, bool rest)
        {
            rests.Add(address, rest);
            cachesRest = true;
        }

        public void Access(int operation, ulong address, uint width)
        {
            if(operation == InstructionFetch)
            {
                return;
            }
            if(!accessed)
            {
                accessed = true;
                first = (uint)address;
            }
            if(caches.Count > 0 && !cachesRest)
            {
                isStore = operation == IoWrite || operation == MemoryWrite;
                moved.Add(((uint)address, width));
            }
        }

        public void BlockEnds(ulong address, uint instructions)
        {
            if(!open && rests.TryGetValue((uint)address, out var rest))
            {
                cachesRest = rest;
            }
            var sees = caches.Count > 0 && !cachesRest;
            if(!open && before == null && !sees || instructions == 0)
            {
                accessed = false;
                moved.Clear();
                return;
            }
            var block = Find((uint)address, instructions);
            if(open || before != null)
            {
                Count(block);
            }
            if(sees)
            {
                Look(block, (uint)address);
            }
            accessed = false;
            last = block;
        }

        private void Count(int block)
        {
            if(before != null)
            {
                // a jump to a marker is of the interval that the marker ends
                before.Follow(last, block);
                before = null;
                if(!open)
                {
                    WriteWindow();
                    return;
                }
            }
            else if(isFollowed)
            {
                now.Follow(last, block);
            }
            isFollowed = true;
            now.Execute(block);
            if(accessed)
            {
                now.Access(block, SegmentOf(first), (int)first & 3);
            }
        }

        // What the caches see: the block's one instruction is fetched, then moves what it moves.
        private void Look(int block, uint address)
        {
            var end = address + widths[block];
            var jumped = lastEnd != address;
            var code = SegmentOf(address);
            for(var i = 0; i < caches.Count; i++)
            {
                var cache = caches[i];
                if(cache.Holds(code) && !cache.IsData)
                {
                    cache.Fetch(address, end, jumped, out var jump, out var sequential);
                    if(open && jump + sequential != 0)
                    {
                        now.Miss(block, i, jump, sequential);
                    }
                }
            }
            foreach(var (at, width) in moved)
            {
                var segment = SegmentOf(at);
                for(var i = 0; i < caches.Count; i++)
                {
                    if(caches[i].IsData && caches[i].Holds(segment))
                    {
                        caches[i].Move(at, width, isStore, out var jump, out var sequential);
                        if(open && jump + sequential != 0)
                        {
                            now.Miss(block, i, jump, sequential);
                        }
                    }
                }
            }
            moved.Clear();
            lastEnd = end;
        }

        public void Pass(int kind)
        {
            if(kind == WindowOpens || (kind == SectionOpens && !open))
            {
                closed.Clear();
                open = true;
                openedAt = begunAt = cpu.ExecutedInstructions;
                now = new Interval(WindowOpens);
                before = null;
                isFollowed = false;
                cachesRest = false;
            }
            else if(open && kind != SectionOpens)
            {
                var executed = cpu.ExecutedInstructions;
                now.Executed = executed - begunAt;
                begunAt = executed;
                closed.Add(now);
                before = now;
                now = new Interval(kind);
                open = kind != WindowCloses;
            }
        }

        private int Find(uint address, uint instructions)
        {
            var key = (ulong)address << 32 | instructions;
            if(last >= 0)
            {
                var likely = now.Likely(last);
                if(likely >= 0 && keys[likely] == key)
                {
                    return likely;
                }
            }
            if(!numbers.TryGetValue(key, out var number))
            {
                number = keys.Count;
                numbers.Add(key, number);
                keys.Add(key);
                widths.Add(cpu.Bus.ReadWord(address) >= FirstWide ? 4u : 2u);
            }
            return number;
        }

        private int SegmentOf(uint address)
        {
            foreach(var (start, end, number) in segments)
            {
                if(start <= address && address < end)
                {
                    return number;
                }
            }
            return OtherSegment;
        }

        private void WriteWindow()
        {
            using(var writer = new BinaryWriter(File.Create(prefix + windows)))
            {
                writer.Write(keys.Count);
                foreach(var key in keys)
                {
                    writer.Write(key);
                }
                writer.Write(closed.Count);
                foreach(var interval in closed)
                {
                    interval.Write(writer);
                }
            }
            windows++;
            closed.Clear();
        }

        private readonly TranslationCPU cpu;
        private readonly string prefix;
        private readonly List<(uint, uint, int)> segments = new List<(uint, uint, int)>();
        private readonly Dictionary<ulong, int> numbers = new Dictionary<ulong, int>();
        private readonly List<ulong> keys = new List<ulong>();
        private readonly List<Interval> closed = new List<Interval>();
        private bool open;
        private int windows;
        private ulong openedAt;
        private ulong begunAt;
        private Interval now = new Interval(WindowOpens);
        private Interval before;
        private int last = -1;
        private readonly List<uint> widths = new List<uint>();
        private readonly List<Cache> caches = new List<Cache>();
        private readonly List<(uint, uint)> moved = new List<(uint, uint)>();
        private bool isFollowed;
        private readonly Dictionary<uint, bool> rests = new Dictionary<uint, bool>();
        private bool cachesRest;
        private uint lastEnd;
        private bool accessed;
        private bool isStore;
        private uint first;

        private const int InstructionFetch = 4;
        private const int OtherSegment = 4;
        private const int WindowOpens = 0;
        private const int WindowCloses = 1;
        private const int SectionOpens = 4;
        private const int IoWrite = 1;
        private const int MemoryWrite = 3;
        private const ushort FirstWide = 0xE800;
    }
}
